"""Stages and iterations → a progress bar on stderr, or nothing."""

from typing import Any

from bhtsne.optimizer import State


class Progress:
    """A bar that names the stage and, during the optimisation, the last KL divergence.

    Parameters
    ----------
    shown : bool
        False shows nothing and costs nothing.
    """

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        if self._shown:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=0, unit="it", dynamic_ncols=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def begin(self, stage: str) -> None:
        """Name the stage that begins."""
        if self._bar is not None:
            self._bar.set_description(stage)

    def expect(self, n_iter: int) -> None:
        """Set the number of iterations to come."""
        if self._bar is not None:
            self._bar.reset(total=n_iter)

    def advance(self, state: State) -> None:
        """Count an iteration."""
        if self._bar is not None:
            if state.history and state.history[-1].iteration == state.iteration:
                self._bar.set_postfix(KL=f"{state.history[-1].kl:.3f}", refresh=False)
            self._bar.update()
