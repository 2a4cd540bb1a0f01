"""A folder, or a folder with options → where a fit is saved while it goes on."""

import os
from typing import Any, NamedTuple

from bhtsne.validation.numbers import checked_number

__all__ = ["Checkpointing", "as_checkpointing"]


class Checkpointing(NamedTuple):
    """A folder in which a fit is saved while it goes on.

    Attributes
    ----------
    folder : str or path
        The folder; it is made if its parent exists.
    every : int
        Iterations between saved maps.

    Examples
    --------
    >>> import tempfile
    >>> from bhtsne import TSNE, checkpoint, datasets
    >>> X = datasets.digits().X[:300]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     options = checkpoint.Checkpointing(folder, every=25)
    ...     model = TSNE(n_iter=100, random_state=0, checkpoint=options).fit(X)
    """

    folder: Any
    every: int = 50


def as_checkpointing(checkpoint: Any) -> Checkpointing | None:
    """Return a folder and options, or None without a folder; TypeError for another object."""
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, Checkpointing):
        checkpoint = Checkpointing(checkpoint)
    if not isinstance(checkpoint.folder, str | os.PathLike):
        raise TypeError(
            "checkpoint must be the name of a folder, or a checkpoint.Checkpointing, got "
            f"{checkpoint.folder!r}."
        )
    return checkpoint._replace(every=checked_number("every", checkpoint.every))
