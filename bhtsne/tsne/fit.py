"""Points → `Fit`: the parameters of `TSNE` and the results of a fit, without scikit-learn.

The import of scikit-learn took 1.8 s of the 4.2 s of `bhtsne embed digits`, as measured by
``python -X importtime``.
"""

from dataclasses import dataclass, fields
from typing import Any

from bhtsne import interrupts
from bhtsne.tsne import mapping

__all__ = ["Fit"]


@dataclass(eq=False)
class Fit:
    """The parameters of `TSNE`, with its defaults, and after `run` its fitted attributes.

    Functions that take a fitted `TSNE` and read its attributes, such as `saving.save`, also take
    this.

    Examples
    --------
    >>> from bhtsne import datasets
    >>> from bhtsne.tsne.fit import Fit
    >>> Fit(random_state=0, n_iter=50).run(datasets.digits().X[:500]).embedding_.shape
    (500, 2)
    """

    n_components: Any = 2
    perplexity: Any = 30.0
    affinities: Any = "gaussian"
    early_exaggeration: Any = "auto"
    early_exaggeration_iter: Any = "auto"
    exaggeration: Any = 1.0
    n_iter: Any = "auto"
    learning_rate: Any = "auto"
    momentum: Any = "auto"
    schedule: Any = "fast"
    stopping: Any = None
    init: Any = "auto"
    metric: Any = "euclidean"
    metric_params: Any = None
    neighbors: Any = "auto"
    method: Any = "barnes_hut"
    theta: Any = 0.45
    dof: Any = 1.0
    callbacks: Any = ()
    callback_every: Any = 50
    random_state: Any = None
    n_jobs: Any = None
    verbose: Any = False
    checkpoint: Any = None

    def get_params(self, deep: bool = False) -> dict[str, Any]:
        """Return the parameters, as estimators of scikit-learn do."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @interrupts.interruptible
    def run(self, X: Any) -> "Fit":
        """Make a map of X.

        Parameters
        ----------
        X : ndarray or CSR of float, shape (N, D)
            Two or more finite points, or distances, as `tables.frames.as_points` returns them.

        Returns
        -------
        Fit
            Itself.

        Raises
        ------
        ValueError, MemoryError, OSError
            As `TSNE.fit`.
        """
        self.n_features_in_ = X.shape[1]
        mapping.check_fit(self, X)
        mapping.fit(self, X)
        return self
