"""Names of parameters in a file → one clear error for those that this version lacks."""

from inspect import signature

from bhtsne import __version__


def check_names(names, estimator: type, path) -> None:
    """Raise ValueError for the first parameter in a file that an estimator does not have."""
    unknown = sorted(set(names) - set(signature(estimator).parameters))
    if unknown:
        raise ValueError(
            f"{path} holds the parameter {unknown[0]!r}, which bhtsne {__version__} does not "
            "have; use the version that wrote it, or fit again."
        )
