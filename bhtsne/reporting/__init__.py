"""A fitted map → a page that says in plain sentences how far it can be trusted: `write`."""

import os
from typing import Any

from bhtsne import interrupts, jit
from bhtsne.files import atomic_write, check_target
from bhtsne.progress import Progress
from bhtsne.reporting.document import document
from bhtsne.reporting.findings import Findings, findings

__all__ = ["Findings", "write"]


@interrupts.interruptible
def write(
    path: str | os.PathLike,
    model: Any,
    labels: Any = None,
    *,
    title: str = "t-SNE map",
    verbose: bool = False,
) -> Findings:
    """Write a report on a fitted map: one HTML file, offline and printable.

    It shows the map, where it is wrong, what recurs with other starts, what a map of shuffled
    columns would show, how accurate the forces were, and parameters and versions to cite.

    Parameters
    ----------
    path : str or path
        An .html file; an existing file is replaced.
    model : TSNE
        A fitted estimator with a map of two dimensions.
    labels : array-like of shape (N,) or None
        Labels that colour the map, as in `bhtsne.plot.scatter`.
    title : str
        Title of the report.
    verbose : bool
        Show progress bars on stderr.

    Returns
    -------
    Findings
        The figures that the report tells.

    Raises
    ------
    OSError
        If the folder does not exist or is not writable.
    ValueError
        If the suffix is not .html, the model is not fitted, or its map has other dimensions.

    Examples
    --------
    >>> import tempfile
    >>> from bhtsne import TSNE, datasets, reporting
    >>> X, y = datasets.digits()[:2]
    >>> model = TSNE(random_state=0).fit(X[:200])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = reporting.write(os.path.join(folder, "report.html"), model, y[:200])
    ...     print(*os.listdir(folder), found.kept > found.kept_shuffled)
    report.html True
    """
    check_target(path, (".html",))
    _check(model)
    with jit.threads(model.n_jobs), Progress(verbose) as progress:
        found = findings(model, progress)
        text = document(model, labels, found, title)
    with atomic_write(path) as file:
        file.write(text.encode(errors="replace"))
    return found


def _check(model: Any) -> None:
    Y = getattr(model, "embedding_", None)
    if Y is None:
        raise ValueError(f"model must be a fitted TSNE, got {model!r:.80}.")
    if Y.shape[1] != 2:
        raise ValueError(f"the map must have two dimensions, got {Y.shape[1]}.")
