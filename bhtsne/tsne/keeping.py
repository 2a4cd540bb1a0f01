"""TSNE → its methods `save` and `load`."""

import os
from typing import Any

from sklearn.base import BaseEstimator

from bhtsne.tsne import saving

__all__ = ["Keeping"]


class Keeping(BaseEstimator):
    """`save` and `load` of `TSNE`."""

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted estimator to a file.

        The file holds the parameters except `callbacks` and `checkpoint`, the fitted points, which
        `transform` needs, and the fitted attributes. It is an .npz of arrays, whatever its name,
        and replaces an earlier file only when it is complete.

        Parameters
        ----------
        path : str or path
            A file, replaced if it exists.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is a function or another object that no file can hold.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X
        >>> model = TSNE(random_state=0, n_iter=50).fit(X[:500])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(Path(folder, "digits.npz"))
        ...     again = TSNE.load(Path(folder, "digits.npz"))
        >>> bool((again.transform(X[500:600]) == model.transform(X[500:600])).all())
        True
        """
        saving.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Any:
        """Return the fitted estimator that `save` wrote.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        TSNE
            The estimator. Its map, and the places of new points by `transform`, have the same bits
            as before. A parameter that the file lacks, because it is older, has its default.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError
            If the file is a folder, or may not be read.
        ValueError
            If the file is damaged, of another kind, or written by another version with an unknown
            parameter or format.
        """
        return saving.load(cls, path)
