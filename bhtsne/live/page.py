"""Callbacks of a fit → messages to its page; commands of the page → the run."""

import time
from functools import cache, partial
from typing import Any

import numpy as np

from bhtsne.browser.content import content
from bhtsne.browser.markup import page
from bhtsne.live.announcement import announce
from bhtsne.live.frames import map_message, neighbors_message, status_message
from bhtsne.live.server import Message, Server, check_installed
from bhtsne.live.snapshot import Snapshot
from bhtsne.live.steering import Steering
from bhtsne.optimizer import Record, State

__all__ = ["Page"]

_SHORTEST = 1 / 15  # seconds between two maps
_SHARE = 0.05  # largest part of the time of the run in which maps are made for the page
_STATUS = 0.25  # seconds between two reports of iterations or of a stage


class Page:
    """A callback that shows a running fit on a page in the browser, and steers it from there.

    The page opens as the fit starts. It shows the stages with their progress, then the map as it
    moves. It has all that the page of `bhtsne.browser.write` has; further controls pause the run,
    let it do single iterations or more of them, restart it from the present map, set exaggeration,
    learning rate, momentum, θ and dof, keep maps for a slider, and stop the run. The phases that
    were done are ``TSNE.phases_``: a fit with these as its `schedule` makes the same map.

    The server is at the loopback address, with a random token in the address of the page. It ends
    with the run; the page remains, without the images that it has not shown by then. Any number of
    windows may show the page.

    Parameters
    ----------
    labels : array-like of shape (N,), str or None
        Labels of the points, or the name of a column, as in `bhtsne.browser.write`.
    columns, ids, images : optional
        As in `bhtsne.browser.write`.
    title : str
        Title of the page.
    port : int, default 0
        Port of the server; 0 is any free one.
    show : bool, default True
        Open the page in a browser, or in a notebook. Its address is printed in any case.
    stay : bool, default False
        Keep the server until `close` is called.

    Attributes
    ----------
    url : str or None
        Address of the page; None before the first fit.
    kept : list of Snapshot
        Maps that a viewer marked to be kept.

    Raises
    ------
    ImportError
        If websockets is not installed, which the extra ``live`` brings.
    OSError
        If the port is taken, at the start of a fit.
    ValueError
        If there is no such port.
    TypeError
        If the map has not two dimensions, at the start of a fit.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets, live
    >>> X, y = datasets.digits()[:2]
    >>> page = live.Page(y, show=False)
    >>> model = TSNE(random_state=0, callbacks=[page]).fit(X)
    http://127.0.0.1:.../.../
    """

    def __init__(
        self,
        labels: Any = None,
        *,
        columns: Any = None,
        ids: Any = None,
        images: Any = None,
        title: str = "t-SNE",
        port: int = 0,
        show: bool = True,
        stay: bool = False,
    ) -> None:
        check_installed()
        self._data: dict[str, Any] = {
            "labels": labels, "columns": columns, "ids": ids, "images": images, "title": title
        }  # fmt: skip
        self._port, self._shows, self._stay = port, show, stay
        self._server: Server | None = None
        self._state: State | None = None
        self.kept: list[Snapshot] = []

    def __reduce__(self) -> tuple:
        """Copy only the data, since a server cannot be copied."""
        return _copy, (self._data, self._port, self._shows, self._stay)

    @property
    def url(self) -> str | None:
        """Return the address of the page."""
        return None if self._server is None else self._server.url

    def open(self, n: int) -> None:
        """Check the data, start the server, and open the page.

        Parameters
        ----------
        n : int
            Number of points.
        """
        self.close()
        self.kept = []
        self._content = content(np.zeros((n, 2)), **self._data)
        self._found, self._map_due, self._status_due = None, 0.0, 0.0
        self._state, self._over = None, False
        self._steering = Steering(self._show_state)
        self._server = Server(self._page, self._picture, self._command, self._port)
        announce(self._server, self._shows)

    def stage(self, name: str, done: float) -> None:
        """Show the progress of a stage."""
        if self._over:  # what follows the optimisation changes nothing on the page
            return
        if done == 0 or done >= 1 or time.perf_counter() >= self._status_due:
            self._publish_status(stage=name, done=done)

    def receive(self, neighbors: Any) -> None:
        """Take the neighbours of the points in the data, for lines on the page."""
        self._found = neighbors

    def begin(self, state: State) -> None:
        """Show the initial map of a run."""
        if not isinstance(state.Y, np.ndarray) or state.Y.ndim != 2 or state.Y.shape[1] != 2:
            raise TypeError("a live page shows a map of two dimensions; set n_components=2.")
        if self._server is None:
            self.open(len(state.Y))
        self._state, self._over = state, False
        self._steering.begin(state)
        self._send_neighbors(state.Y, kept=False)
        self._show_state(state)

    def __call__(self, record: Record, Y: np.ndarray) -> None:
        """Report the divergence of a check."""
        if self._state is None:
            raise TypeError(
                "a live page shows one map that moves, as that of TSNE, got one from an estimator "
                "that passes no state."
            )
        self._report(self._state)

    def after_iteration(self, state: State) -> bool:
        """Show the map if a window is open and time has passed; carry out commands.

        Returns
        -------
        bool
            Whether the run is to stop.
        """
        assert self._server is not None
        now = time.perf_counter()
        if self._server.windows and now >= self._map_due:
            self._publish_map(state)
        if now >= self._status_due:
            self._report(state)
        return self._steering.follow(state)

    def end(self, state: State) -> None:
        """Show the last map; end the server unless it is to stay."""
        self._over = True
        self._publish_map(state)
        self._send_neighbors(state.Y, kept=True)
        self._publish_status(**self._iterations(state), over=state.stopped or "finished")
        if not self._stay:
            self.close()

    def fail(self) -> None:
        """Say that the fit ended by an error, and end the server."""
        self._publish_status(stage="fit", over="failed")
        self.close()

    def close(self) -> None:
        """End the server, if there is one; the page remains, without a run."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def wait(self, check: Any) -> None:
        """Return when a window was open and none is any more; `check` is called meanwhile."""
        if self._server is not None:
            self._server.wait_for_windows(check)

    def _page(self, socket: str) -> str:
        return page(self._content, socket)

    def _picture(self, k: int) -> bytes | None:
        """Return a sheet of images. Each takes a while, so that it is made when it is shown."""
        pictures = self._content.pictures
        return pictures.sheet(k) if pictures is not None and k < len(pictures) else None

    def _command(self, command: dict[str, Any]) -> None:
        """Take a message of a window, in a thread of the server."""
        if command.get("do") == "keep":
            self._keep()
        else:
            self._steering.take(command)

    def _keep(self) -> None:
        """Keep the present map."""
        if self._state is None:
            return
        # The optimizer replaces the arrays of a state and never writes to them.
        iteration, Y = self._state.iteration, self._state.Y
        snapshot = Snapshot(f"{iteration}", iteration, Y)
        if all(one.iteration != iteration for one in self.kept):
            self.kept.append(snapshot)
            self._send(f"kept {iteration}", map_message(Y, kept=snapshot.title))

    def _publish_map(self, state: State) -> None:
        """Send the map, and choose the time of the next one."""
        start = time.perf_counter()
        self._send("map", map_message(state.Y, iteration=state.iteration))
        end = time.perf_counter()
        self._map_due = end + max(_SHORTEST, (end - start) / _SHARE)

    def _send_neighbors(self, Y: np.ndarray, kept: bool) -> None:
        """Send the neighbours; the message is made when a window takes it."""
        if self._found is not None:
            self._send("near", cache(partial(neighbors_message, self._found, Y, kept)))

    def _show_state(self, state: State) -> None:
        """Send the map and the state of the iterations."""
        self._publish_map(state)
        self._report(state)

    def _report(self, state: State) -> None:
        """Send the state of the iterations."""
        self._publish_status(**self._iterations(state))

    def _iterations(self, state: State) -> dict[str, Any]:
        phase = state.left[0] if state.left else state.done[-1] if state.done else None
        values = {} if phase is None else {
            "exaggeration": phase.exaggeration, "momentum": phase.momentum,
            "learning_rate": self._steering.given.get("learning_rate", 1.0),
            "theta": state.theta if phase.theta is None else phase.theta,
            "dof": state.dof if phase.dof is None else phase.dof,
        }  # fmt: skip
        return {
            "stage": "optimization", "iteration": state.iteration,
            "left": sum(one.n_iter for one in state.left), "paused": self._steering.paused,
            "kl": [(record.iteration, record.kl) for record in state.history],
            "parameters": values, "given": list(self._steering.given),
        }  # fmt: skip

    def _publish_status(self, **values: Any) -> None:
        self._status_due = time.perf_counter() + _STATUS
        self._send("status", status_message(**values))

    def _send(self, kind: str, message: Message) -> None:
        if self._server is not None:
            self._server.publish(kind, message)


def _copy(data: dict[str, Any], port: int, show: bool, stay: bool) -> Page:
    return Page(**data, port=port, show=show, stay=stay)
