"""Stages and iterations → a progress bar on stderr, or nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bhtsne import jit
from bhtsne.optimizer import State


class Progress:
    """A bar that names the stage and, during the optimisation, the last KL divergence.

    Above it stands a line if something has to be compiled first.

    Parameters
    ----------
    shown : bool
        False shows nothing and costs nothing.
    """

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None
        self._open = ExitStack()

    def __enter__(self) -> "Progress":
        if self._shown:
            from tqdm.auto import tqdm

            self._bar = self._open.enter_context(tqdm(total=0, unit="it", dynamic_ncols=True))
            self._open.enter_context(jit.when_compiling(self._tell_compiling))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _tell_compiling(self) -> None:
        self._bar.write(
            "Compiling for this machine: up to half a minute, once. Later runs begin at once.",
            file=sys.stderr,
        )

    def begin(self, stage: str) -> None:
        """Name the stage that begins."""
        if self._bar is not None:
            self._bar.set_description(stage)

    @contextmanager
    def timed(self, stage: str, seconds: dict[str, float]) -> Iterator[None]:
        """Name a stage, and keep how long it takes."""
        self.begin(stage)
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds[stage] = time.perf_counter() - start

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
