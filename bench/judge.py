"""What a map is worth: exact KL divergence on one common P, recall, label accuracy, tearing."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from bhtsne import affinities, forces, neighbors

_LARGE = 100_000


class Judge:
    """Judge of maps of one data set; knows its neighbours and its P at one perplexity.

    Up to 100,000 points the neighbours are exact, and so is Z, summed over all pairs in float64.
    Beyond, that would take hours: neighbours are those that random trees find, 99.5 % of 90 on
    MNIST, and Z comes by Barnes-Hut at θ 0.2, which errs by 2e-6 there.
    """

    def __init__(self, X, labels: np.ndarray | None, perplexity: float = 30.0) -> None:
        n = X.shape[0]
        self._exact = n <= _LARGE
        method = "exact" if self._exact else "forest"
        self.near = neighbors.find(X, min(int(3 * perplexity), n - 1), method=method)
        self.P = affinities.perplexity(self.near, perplexity)
        self.X, self.labels = X, labels

    def kl(self, Y: np.ndarray) -> float:
        """Return the KL divergence in nats."""
        method = "exact" if self._exact else "barnes_hut"
        return forces.kl_divergence(self.P, np.asarray(Y, np.float64), method=method, theta=0.2)

    def measures(self, Y: np.ndarray) -> dict[str, float]:
        """Return all measures of a final map."""
        near = cKDTree(Y).query(Y, self.near.indices.shape[1] + 1, workers=-1)[1][:, 1:]
        found = {"kl": self.kl(Y)}
        found |= {f"recall_at_{k}": self._recall(near, k) for k in (10, near.shape[1])}
        found["long_edges"] = self._long_edges(Y)
        if self.labels is not None:
            found["label_accuracy"] = self._accuracy(near[:, :5])
            found["class_pieces"] = self._pieces(near[:, :15])
            found["class_arrangement"] = self._arrangement(Y)
        return found

    def _recall(self, near, k: int) -> float:
        """Return the part of the k nearest neighbours that are among the k nearest in the map."""
        rows = len(near) * np.arange(len(near))[:, None]
        both = np.sort(np.hstack([rows + self.near.indices[:, :k], rows + near[:, :k]]), axis=1)
        return float((both[:, 1:] == both[:, :-1]).sum() / (k * len(near)))

    def _long_edges(self, Y) -> float:
        """Return the affinity on edges longer than a tenth of the map, which is 4 sd across."""
        P = self.P.tocoo()
        length = np.linalg.norm(Y[P.row] - Y[P.col], axis=1)
        return float(P.data[length > 0.4 * np.sqrt(Y.var(axis=0).mean())].sum())

    def _accuracy(self, near) -> float:
        """Return how often a majority of the nearest five in the map tells the label."""
        names, codes = np.unique(self.labels, return_inverse=True)
        votes = np.zeros((len(near), len(names)), np.int32)
        for column in near.T:
            np.add.at(votes, (np.arange(len(near)), codes[column]), 1)
        return float((votes.argmax(axis=1) == codes).mean())

    def _pieces(self, near) -> int:
        """Return the pieces of at least a twentieth of their class, over all classes.

        A piece hangs together by the 15 nearest neighbours in the map of the same class.
        """
        rows, columns = np.repeat(np.arange(len(near)), near.shape[1]), near.ravel()
        same = self.labels[rows] == self.labels[columns]
        graph = sparse.coo_array((same[same], (rows[same], columns[same])), shape=(len(near),) * 2)
        piece = connected_components(graph, directed=False)[1]
        sizes = [np.bincount(piece[self.labels == name]) for name in np.unique(self.labels)]
        return int(sum((size >= size.sum() / 20).sum() for size in sizes))

    def _arrangement(self, Y) -> float:
        """Return the correlation of the distances between classes, in the data and in the map."""
        names = np.unique(self.labels)
        in_data = pdist([np.ravel(self.X[self.labels == name].mean(axis=0)) for name in names])
        in_map = pdist([np.median(Y[self.labels == name], axis=0) for name in names])
        return float(np.corrcoef(in_data, in_map)[0, 1])
