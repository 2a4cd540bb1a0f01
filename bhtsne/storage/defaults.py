"""Parameters in a file → parameters of an estimator: known names only, and defaults."""

import os
from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any

from bhtsne import __version__

__all__ = ["check_names", "with_defaults"]


def check_names(names: Iterable[str], estimator: type, path: str | os.PathLike) -> None:
    """Raise ValueError for the first parameter in a file that an estimator does not have."""
    unknown = sorted(set(names) - set(signature(estimator).parameters))
    if unknown:
        raise ValueError(
            f"{path} holds the parameter {unknown[0]!r}, which bhtsne {__version__} does not "
            "have; use the version that wrote it, or fit again."
        )


def with_defaults(
    parameters: Mapping[str, Any], estimator: type, path: str | os.PathLike
) -> dict[str, Any]:
    """Return all parameters of an estimator: those of a file, and defaults for the others.

    Parameters
    ----------
    parameters : mapping of str to object
        Parameters in the file, which may be older than some parameters of the estimator.
    estimator : type
        Class of the estimator.
    path : str or path
        The file, for the message.

    Returns
    -------
    dict of str to object
        A value for each parameter.

    Raises
    ------
    ValueError
        If the estimator does not have one of the parameters: the file is newer.

    Examples
    --------
    >>> from bhtsne import TSNE
    >>> parameters = with_defaults({"perplexity": 5.0}, TSNE, "map.npz")
    >>> parameters["perplexity"], parameters["n_components"]
    (5.0, 2)
    """
    check_names(parameters, estimator, path)
    defaults = {name: one.default for name, one in signature(estimator).parameters.items()}
    return defaults | dict(parameters)
