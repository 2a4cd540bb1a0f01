"""Points in blocks → `LandmarkTSNE`: chooses landmarks, maps them, places and refines the rest."""

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
from bhtsne.tsne import TSNE
from bhtsne.tsne.mapping import check_model
from bhtsne.tsne.placing import plain_copy
from bhtsne.validation.numbers import check_choice, check_count, checked_random_state

__all__ = ["LandmarkTSNE"]

# Rows that are read and placed at a time: 65,536 of 50 features take 40 MB with what placing holds.
_BLOCK = 65_536


class LandmarkTSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """t-SNE of landmarks, on whose map all other points are placed.

    For data that are too many for one map, or do not fit into memory: only the landmarks are held,
    and a block of the others at a time. What it costs against a map of all points is local detail:
    a point's neighbours on the map are those that share its landmarks.

    Parameters
    ----------
    n_landmarks : int, default 10_000
        Number of landmarks; all points if there are fewer.
    landmarks : {"uniform", "coreset", "stratified"} or array of int, default "uniform"
        How they are chosen: each point alike; half by density and half by squared distance from
        the mean, so that rare far groups have some (Bachem, Lucic & Krause 2018); of each label its
        share, and one at least. Or the rows themselves.
    tsne : TSNE or None, default None
        What maps the landmarks; None is ``TSNE()``. Its `n_jobs` and `random_state` are those given
        here.
    perplexity : float or None, default None
        Effective number of landmarks that draw a point, see `TSNE.transform`.
    refine_iter : int, default 0
        Iterations in which all points move together after `fit_transform` has placed them, as far
        as they fit (Kobak & Berens 2019 recommend it for very many points).
    block : int, default 65_536
        Points that are read and placed at a time.
    random_state : int, RandomState or None, default None
        Seed of choice and map.
    n_jobs : int or None, default None
        Threads; None is all.
    verbose : bool, default False
        Show a progress bar on stderr.

    Attributes
    ----------
    landmarks_ : ndarray of int64, shape (n_landmarks,)
        Their rows in X, ascending.
    tsne_ : TSNE
        Their map; ``tsne_.embedding_`` is its places.
    embedding_ : ndarray of float32, shape (N, n_components)
        All points, after `fit_transform`.
    refined_ : TSNE
        The map of all points, if they were refined.
    n_features_in_ : int
        D.
    feature_names_in_ : ndarray of str, shape (D,)
        Names of the features, where they have any. `tsne_.save` keeps the map of the landmarks for
        another day: what `TSNE.load` returns places points as this estimator does.

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
        """Choose landmarks and map them; the other points are only looked at.

        Parameters
        ----------
        X : array_like, CSR, data frame, path, callable or iterable of blocks
            Points of shape (N, D), see `Source`.
        y : array_like of shape (N,), optional
            Labels, for ``landmarks="stratified"``.

        Returns
        -------
        LandmarkTSNE
            Itself.

        Raises
        ------
        ValueError
            If X is no table of finite numbers, or a parameter breaks its rule.
        TypeError
            If X is an iterator, which can be gone through only once.
        """
        return self._fit(self._source(X), y)

    def fit_transform(self, X, y=None):
        """Map the landmarks, place all others, and refine the whole if `refine_iter` says so.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        ndarray of float32, shape (N, n_components)
            The map; landmarks stand where their own map has them.
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
        """Place points on the map of the landmarks, which stays.

        Parameters
        ----------
        X : as in `fit`
            Points.

        Returns
        -------
        ndarray of float32, shape (M, n_components)
            A point's place does not depend on the others, nor on how they are cut into blocks. Of a
            dask collection, a lazy one, which its workers place.
        """
        check_is_fitted(self, "tsne_")
        if is_collection(X):
            known = getattr(self, "feature_names_in_", None)
            if known is not None and hasattr(X, "columns"):
                X = frames.in_order(X, list(known))
            return self.tsne_.transform(X, perplexity=self.perplexity)
        return np.concatenate(list(self.place(X)))

    def place(self, X) -> Iterator[np.ndarray]:
        """Place points block by block, holding one block at a time.

        Parameters
        ----------
        X : as in `fit`, or an iterator of blocks
            Points.

        Yields
        ------
        ndarray of float32, shape (m, n_components)
            The places of a block.

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
        tsne, rng = self._of_landmarks(), checked_random_state(self.random_state)
        with jit.threads(self.n_jobs):
            rows = self._choose(source, y, rng)
            chosen = source.take(rows)
        self.tsne_, self.landmarks_ = tsne.fit(chosen), rows
        self.n_features_in_, self._n_features_out = chosen.shape[1], tsne.n_components
        if source.names is not None:
            self.feature_names_in_ = np.array(source.names, object)
        elif hasattr(self, "feature_names_in_"):  # of an earlier fit
            del self.feature_names_in_
        return self

    def _of_landmarks(self) -> TSNE:
        """Return what maps the landmarks, or raise before anything is computed."""
        if not isinstance(self.tsne, TSNE | None):
            raise TypeError(f"tsne must be a TSNE or None, got {self.tsne!r}.")
        tsne = TSNE() if self.tsne is None else clone(self.tsne)
        tsne.set_params(n_jobs=self.n_jobs, verbose=self.verbose, random_state=self.random_state)
        check_model(tsne)
        if are_given(tsne.affinities) or not has_points(tsne.metric):
            raise ValueError(
                "tsne must map points of features, among which others are placed, got metric="
                f"{tsne.metric!r}, affinities={tsne.affinities!r}."
            )
        if self.perplexity is not None:
            check_perplexities(self.perplexity, as_kind(tsne.affinities, self.perplexity))
        return tsne

    def _placed(self, source: Source) -> Iterator[np.ndarray]:
        """Yield the places of each block."""
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
            return _checked_rows(self.landmarks, n)
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


def _checked_rows(rows: Any, n: int) -> np.ndarray:
    """Return rows in ascending order, or raise ValueError."""
    rows = np.unique(np.asarray(rows))
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or len(rows) < 2:
        raise ValueError(f"landmarks must be {WAYS} or 2 rows or more, got {rows!r}.")
    if rows[0] < 0 or rows[-1] >= n:
        raise ValueError(f"landmarks must be rows from 0 to {n - 1}, got {rows[0]} to {rows[-1]}.")
    return rows.astype(np.int64)
