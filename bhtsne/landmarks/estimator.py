"""Points in blocks → `LandmarkTSNE`: choice and embedding of landmarks, placement of the rest."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from bhtsne import interrupts, jit
from bhtsne.affinities.kinds import are_given, as_kind
from bhtsne.dask.partitions import is_collection
from bhtsne.fitting import has_points
from bhtsne.fitting.perplexities import check_perplexities
from bhtsne.landmarks.choosing import WAYS, choose
from bhtsne.landmarks.sources import Source
from bhtsne.progress import Progress
from bhtsne.tables import frames
from bhtsne.tsne.estimator import TSNE
from bhtsne.tsne.mapping import check_model
from bhtsne.tsne.placing import plain_copy
from bhtsne.validation.numbers import check_choice, check_count, checked_random_state

__all__ = ["LandmarkTSNE"]

_BLOCK = 65_536


class LandmarkTSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """t-SNE of landmarks, and placement of all other points on their map.

    For data with too many points for one map, or larger than memory. Memory holds the landmarks and
    one block of other points. Compared with a map of all points, local detail is lost: neighbours
    in the map are points with the same landmarks. ``tsne_.save`` saves the map of the landmarks,
    and the `TSNE` of `TSNE.load` then places points as this estimator does.

    Parameters
    ----------
    n_landmarks : int, default 10_000
        Number of landmarks; all points if there are fewer.
    landmarks : {"uniform", "coreset", "stratified"} or array of int, default "uniform"
        Choice of the landmarks. "uniform": all points with equal probability. "coreset": with a
        probability that is uniform in one half and proportional to the squared distance from the
        mean in the other, which includes small distant groups (Bachem, Lucic & Krause 2018).
        "stratified": the same fraction of each label, and at least one point. An array: rows of X.
    tsne : TSNE or None, default None
        Estimator of the map of the landmarks, by default ``TSNE()``. Its `n_jobs`, `verbose` and
        `random_state` are replaced by those below.
    perplexity : float or None, default None
        Effective number of landmarks that attract a point, as in `TSNE.transform`.
    refine_iter : int, default 0
        Iterations of a joint optimisation of all points from their positions in `fit_transform`,
        which needs all points in memory. Kobak & Berens 2019 recommend it for very large N.
    block : int, default 65_536
        Number of points in a block that is read and placed at once.
    random_state : int, RandomState or None, default None
        Seed of the choice of landmarks and of the map.
    n_jobs : int or None, default None
        Number of threads; None is all.
    verbose : bool, default False
        Whether to show a progress bar on stderr.

    Attributes
    ----------
    landmarks_ : ndarray of int64, shape (n_landmarks,)
        Rows of the landmarks in X, ascending.
    tsne_ : TSNE
        Fitted estimator of the landmarks; ``tsne_.embedding_`` is their map.
    embedding_ : ndarray of float32, shape (N, n_components)
        Map of all points, after `fit_transform`.
    refined_ : TSNE
        Fitted estimator of all points, after a refinement.
    n_features_in_ : int
        Number of features D.
    feature_names_in_ : ndarray of str, shape (D,)
        Names of the features, if X has names.

    Examples
    --------
    >>> from bhtsne import LandmarkTSNE, datasets
    >>> X = datasets.digits().X
    >>> model = LandmarkTSNE(500, random_state=0)
    >>> model.fit_transform(X).shape
    (1797, 2)
    """

    def __init__(
        self, n_landmarks=10_000, *, landmarks="uniform", tsne=None, perplexity=None, refine_iter=0,
        block=_BLOCK, random_state=None, n_jobs=None, verbose=False,
    ):  # fmt: skip
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.tsne = tsne
        self.perplexity = perplexity
        self.refine_iter = refine_iter
        self.block = block
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X, y=None):
        """Choose the landmarks and compute their map.

        Parameters
        ----------
        X : array_like, CSR, data frame, path, callable or iterable of blocks
            Points of shape (N, D), see `Source`.
        y : array_like of shape (N,), optional
            Labels, for ``landmarks="stratified"``.

        Returns
        -------
        LandmarkTSNE
            The fitted estimator.

        Raises
        ------
        ValueError
            If X is not a table of finite numbers, or a parameter is invalid.
        TypeError
            If X is an iterator, since `fit` reads the points more than once.
        """
        return self._fit(self._source(X), y)

    def fit_transform(self, X, y=None):
        """Compute the map of the landmarks, place all other points, and refine the map.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        ndarray of float32, shape (N, n_components)
            Map of all points. Without a refinement, landmarks have their positions in ``tsne_``.
        """
        source = self._source(X)
        self._fit(source, y)
        interrupts.check_fit(self.tsne_)
        if is_collection(X):
            Y = np.array(self.transform(X).compute())
        else:
            Y = np.concatenate(list(self._placed(source)))
        Y[self.landmarks_] = self.tsne_.embedding_
        if self.refine_iter:
            Y = self._refine(source, Y)
        self.embedding_ = Y
        return Y

    def transform(self, X):
        """Place points on the map of the landmarks.

        Parameters
        ----------
        X : as in `fit`
            Points of shape (M, D).

        Returns
        -------
        ndarray of float32, shape (M, n_components)
            Positions, which do not depend on the other points or on the blocks. For a dask
            collection it is lazy, and the workers place the points.
        """
        check_is_fitted(self, "tsne_")
        if is_collection(X):
            known = getattr(self, "feature_names_in_", None)
            if known is not None and hasattr(X, "columns"):
                X = frames.in_order(X, list(known))
            return self.tsne_.transform(X, perplexity=self.perplexity)
        return np.concatenate(list(self.place(X)))

    def place(self, X) -> Iterator[np.ndarray]:
        """Place points block by block, with one block in memory at a time.

        Parameters
        ----------
        X : as in `fit`, or an iterator of blocks
            Points.

        Yields
        ------
        ndarray of float32, shape (m, n_components)
            Positions of the points of a block.

        Examples
        --------
        >>> from bhtsne import LandmarkTSNE, datasets
        >>> X = datasets.digits().X
        >>> model = LandmarkTSNE(500, random_state=0).fit(X)
        >>> sum(len(Y) for Y in model.place(X[i : i + 100] for i in range(0, len(X), 100)))
        1797
        """
        check_is_fitted(self, "tsne_")
        known = getattr(self, "feature_names_in_", None)
        known = None if known is None else list(known)
        return self._placed(self._source((lambda: X) if isinstance(X, Iterator) else X, known))

    def _source(self, X, features=None) -> Source:
        check_count("block", self.block)
        return Source(X, self.block, features=features)

    def _fit(self, source: Source, y):
        tsne, rng = self._landmark_tsne(), checked_random_state(self.random_state)
        with jit.threads(self.n_jobs):
            rows = self._choose(source, y, rng)
            chosen = source.take(rows)
        self.tsne_, self.landmarks_ = tsne.fit(chosen), rows
        self.n_features_in_, self._n_features_out = chosen.shape[1], tsne.n_components
        if source.names is not None:
            self.feature_names_in_ = np.array(source.names, object)
        elif hasattr(self, "feature_names_in_"):  # set by an earlier fit
            del self.feature_names_in_
        return self

    def _landmark_tsne(self) -> TSNE:
        """Return the estimator of the landmarks, or raise an error for an invalid one."""
        if not isinstance(self.tsne, TSNE | None):
            raise TypeError(f"tsne must be a TSNE or None, got {self.tsne!r}.")
        tsne = TSNE() if self.tsne is None else clone(self.tsne)
        tsne.set_params(n_jobs=self.n_jobs, verbose=self.verbose, random_state=self.random_state)
        check_model(tsne)
        if are_given(tsne.affinities) or not has_points(tsne.metric):
            raise ValueError(
                "tsne must embed points with features, as `transform` requires, got metric="
                f"{tsne.metric!r}, affinities={tsne.affinities!r}."
            )
        if self.perplexity is not None:
            check_perplexities(self.perplexity, as_kind(tsne.affinities, self.perplexity))
        return tsne

    def _placed(self, source: Source) -> Iterator[np.ndarray]:
        """Yield the positions of the points of each block."""
        quiet = plain_copy(self.tsne_).set_params(verbose=False)
        with Progress(self.verbose).counted("placing", source.known) as advance:
            for block in source:
                placed = np.empty((0, self._n_features_out), np.float32)
                if block.shape[0]:
                    placed = quiet.transform(block, perplexity=self.perplexity)
                yield placed
                advance(len(placed))

    def _choose(self, source: Source, y, rng) -> np.ndarray:
        check_count("n_landmarks", self.n_landmarks, 2)
        check_count("refine_iter", self.refine_iter, 0)
        n = len(source)
        if not isinstance(self.landmarks, str):
            return _sorted_rows(self.landmarks, n)
        check_choice("landmarks", self.landmarks, WAYS)
        y = None if y is None else np.asarray(y)
        if self.landmarks == "stratified" and np.shape(y) != (n,):
            raise ValueError(
                f'landmarks="stratified" needs y of shape ({n},), one label for each point, got '
                f"{'none' if y is None else np.shape(y)}."
            )
        return choose(source, min(self.n_landmarks, n), self.landmarks, y, rng)

    def _refine(self, source: Source, Y: np.ndarray) -> np.ndarray:
        phase = {"n_iter": self.refine_iter}
        self.refined_ = clone(self.tsne_).set_params(init=Y, schedule=[phase])
        return self.refined_.fit_transform(source.take(np.arange(len(Y))))


def _sorted_rows(rows: Any, n: int) -> np.ndarray:
    """Return different rows in ascending order, or raise ValueError for invalid ones."""
    rows = np.unique(np.asarray(rows))
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or len(rows) < 2:
        raise ValueError(f"landmarks must be one of {WAYS}, or 2 rows or more, got {rows!r}.")
    if rows[0] < 0 or rows[-1] >= n:
        raise ValueError(f"landmarks must be rows from 0 to {n - 1}, got {rows[0]} to {rows[-1]}.")
    return rows.astype(np.int64)
