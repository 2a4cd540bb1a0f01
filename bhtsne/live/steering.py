"""Commands of a page → changes of the phases that a run has left, made between two iterations."""

import threading
from collections.abc import Callable
from typing import Any

from bhtsne import interrupts
from bhtsne.optimizer import Phase, State
from bhtsne.validation.numbers import checked_number

__all__ = ["MORE", "Steering"]

MORE = 100  # iterations that a command adds
_SET = ("exaggeration", "learning_rate", "momentum", "theta", "dof")
_SLOWEST, _FASTEST = 1e-3, 100.0  # factors of the learning rate


class Steering:
    """State of the commands for one run.

    Commands arrive in threads of the server, and take effect in that of the run.

    Parameters
    ----------
    changed : callable
        Called in the thread of the run after commands took effect, and after each iteration while
        the run is paused.

    Attributes
    ----------
    paused : bool
        Whether the run waits.
    given : dict of str to float
        Parameters set by hand; `learning_rate` is a factor of that of the schedule.
    """

    def __init__(self, changed: Callable[[State], Any]) -> None:
        self._changed = changed
        self._arrived = threading.Condition()
        self._commands: list[dict[str, Any]] = []
        self._plan: list[Phase] = []  # as the schedule has it; its end stands for what is left
        self._whole: list[Phase] = []
        self._steps, self._stop = 0, False
        self.paused = False
        self.given: dict[str, float] = {}

    def begin(self, state: State) -> None:
        """Take the phases of a run."""
        n = len(state.Y)
        # With numbers for "auto" and None, which commands multiply or set back.
        self._plan = [
            phase._replace(
                learning_rate=phase.rate(n), dof=state.dof if phase.dof is None else phase.dof
            )
            for phase in state.left
        ]
        self._whole, self._stop = list(self._plan), False

    def take(self, command: dict[str, Any]) -> None:
        """Take a command, in any thread."""
        with self._arrived:
            self._commands.append(command)
            self._arrived.notify()

    def follow(self, state: State) -> bool:
        """Carry commands out, wait while the run is paused, and return whether it is to stop."""
        self._carry_out(state)
        if self.paused:
            self._changed(state)
        while self.paused and not self._steps and not self._stop:
            with self._arrived:
                self._arrived.wait_for(lambda: bool(self._commands), timeout=0.1)
            interrupts.check()
            self._carry_out(state)
        self._steps = max(self._steps - 1, 0)
        return self._stop

    def _carry_out(self, state: State) -> None:
        with self._arrived:
            commands, self._commands = self._commands, []
        for command in commands:
            self._obey(command, state)
        if commands:
            self._changed(state)

    def _obey(self, command: dict[str, Any], state: State) -> None:
        """Carry out one command; one that is not understood changes nothing."""
        match command:
            case {"do": "pause"}:
                self.paused = True
            case {"do": "go"}:
                self.paused, self._steps = False, 0
            case {"do": "step"}:
                self.paused, self._steps = True, self._steps + 1
            case {"do": "stop"}:
                self._stop = True
            case {"do": "more"}:
                self._lengthen(state)
            case {"do": "restart"}:
                self._plan = list(self._whole)
                state.left = [self._steered(phase) for phase in self._plan]
                state.left[0] = state.left[0]._replace(restart=True)
            case {"do": "schedule"}:
                self._set(state, {})
            case {"do": "set", "name": str(name), "value": int() | float() as value}:
                self._set(state, self.given | _checked(name, value))

    def _lengthen(self, state: State) -> None:
        if state.left:
            self._plan[-1] = self._plan[-1]._replace(n_iter=self._plan[-1].n_iter + MORE)
            state.left[-1] = state.left[-1]._replace(n_iter=state.left[-1].n_iter + MORE)
        else:
            self._plan = [*self._plan, self._plan[-1]._replace(n_iter=MORE)]
            state.left = [self._steered(self._plan[-1])]

    def _set(self, state: State, given: dict[str, float]) -> None:
        """Set parameters by hand in all phases that are left; the schedule gives the others."""
        self.given = given
        plan = self._plan[len(self._plan) - len(state.left) :]
        state.left = [
            self._steered(planned)._replace(n_iter=left.n_iter, restart=left.restart)
            for planned, left in zip(plan, state.left, strict=True)
        ]

    def _steered(self, phase: Phase) -> Phase:
        """Return a phase with the parameters set by hand."""
        given: dict[str, Any] = dict(self.given)
        factor = given.pop("learning_rate", 1.0)
        exaggeration = given.get("exaggeration", phase.exaggeration)
        # The learning rate is in inverse proportion to the exaggeration.
        rate = float(phase.learning_rate) * factor * phase.exaggeration / exaggeration
        if self.given.keys() & {"learning_rate", "momentum"}:  # as in `schedules.phases`
            given["repulsion_every"] = 1
        return phase._replace(**given, learning_rate=rate)


def _checked(name: str, value: float) -> dict[str, float]:
    """Return a parameter by its name, or nothing if it is out of range."""
    if name not in _SET:
        return {}
    if name == "learning_rate":
        return {name: float(value)} if _SLOWEST <= value <= _FASTEST else {}
    try:
        return {name: float(checked_number(name, float(value)))}
    except (TypeError, ValueError):
        return {}
