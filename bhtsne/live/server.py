"""A page and its messages → a server on the loopback address, which only the page may use."""

import errno
import importlib.util
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from itertools import count
from operator import itemgetter
from typing import Any

from bhtsne.validation.numbers import check_count

__all__ = ["Message", "Server", "check_installed", "check_port"]

# Text, bytes, or a function that returns them when a window takes the message.
Message = str | bytes | Callable[[], bytes]

_ADDRESS, _LARGEST_PORT = "127.0.0.1", 65_535
_RELOADING = 2.0  # seconds that a page may take to load anew
_LAST = 10.0  # seconds that windows may take to receive the last messages
_LONGEST = 4096  # bytes of a message from a page
_HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff", "Connection": "close",
}  # fmt: skip


def check_installed() -> None:
    """Raise ImportError, with the remedy, if the library of the server is missing."""
    if importlib.util.find_spec("websockets") is None:
        raise ImportError(
            "a live page needs websockets; install it by `pip install 'numba-bhtsne[live]'`."
        )


def check_port(port: int) -> None:
    """Raise OSError if a port is taken, ValueError if there is no such port."""
    _bound(port).close()


class Server:
    """A server of one page and of the messages of a run to any number of its windows.

    It answers only at an address with a random token, for the hosts 127.0.0.1 and localhost, and
    accepts connections of no other page than its own. Of each kind of message, a window receives
    the latest one: a slow one skips maps and does not slow the run.

    Parameters
    ----------
    page : callable
        Returns the page as text, given the address of its messages; called in another thread at the
        first request.
    picture : callable
        Returns sheet k of the images as a WebP file, or None if there is none; called in another
        thread.
    receive : callable
        Called in another thread with each message of a window, a dict.
    port : int
        Port; 0 is any free one.

    Raises
    ------
    ImportError
        If websockets is not installed.
    OSError
        If the port is taken.
    ValueError
        If there is no such port.
    """

    def __init__(
        self,
        page: Callable[[str], str],
        picture: Callable[[int], bytes | None],
        receive: Callable[[dict], Any],
        port: int = 0,
    ) -> None:
        check_installed()
        from websockets.sync.server import serve

        self._page, self._picture, self._receive, self._text = page, picture, receive, b""
        self._token = secrets.token_urlsafe(16)
        listening = _bound(port)
        self.port = listening.getsockname()[1]
        self._hosts = {f"{name}:{self.port}" for name in (_ADDRESS, "localhost")}
        self._changed, self._building = threading.Condition(), threading.Lock()
        self._latest: dict[str, tuple[int, Message]] = {}
        self._versions, self._newest = count(1), 0
        self._closing, self._windows, self._opened = False, 0, False
        self._server = serve(
            self._serve_window, sock=listening, process_request=self._answer,
            origins=[f"http://{host}" for host in self._hosts],  # type: ignore[misc]  # Origin is text
            compression=None, max_size=_LONGEST, server_header=None, close_timeout=2,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the address of the page, with its token."""
        return f"http://{_ADDRESS}:{self.port}/{self._token}/"

    @property
    def windows(self) -> int:
        """Return the number of windows that receive messages."""
        return self._windows

    def publish(self, kind: str, message: Message) -> None:
        """Send a message to all windows, now and later, in place of the last one of its kind."""
        with self._changed:
            self._newest = next(self._versions)
            self._latest[kind] = self._newest, message
            self._changed.notify_all()

    def wait_for_windows(self, check: Callable[[], Any], interval: float = 0.2) -> None:
        """Return when a window was open and none has been for 2 s; `check` is called meanwhile.

        A page that is loaded anew closes its connection and opens another one.
        """
        alone = None  # since when no window is open
        while alone is None or time.monotonic() < alone + _RELOADING:
            check()
            with self._changed:
                self._changed.wait(interval)
                if self._windows or not self._opened:
                    alone = None
                elif alone is None:
                    alone = time.monotonic()

    def close(self) -> None:
        """Send the last messages and end the server; returns at once."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        threading.Thread(target=self._shut_down, daemon=True).start()

    def _shut_down(self) -> None:
        """End the server when the windows have the last messages, which its end would cut off."""
        with self._changed:
            self._changed.wait_for(lambda: not self._windows, timeout=_LAST)
        self._server.shutdown()

    def _answer(self, connection: Any, request: Any) -> Any:
        """Return the page or an error; None lets the library open a connection for messages."""
        if request.headers.get("Host") not in self._hosts:
            return connection.respond(HTTPStatus.FORBIDDEN, "This host is not served.\n")
        token, _, rest = request.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return connection.respond(HTTPStatus.FORBIDDEN, "The address lacks the right token.\n")
        if rest == "socket":
            return None
        found = None
        if not rest:
            found = _file("text/html; charset=utf-8", self._built(request.headers["Host"]))
        elif sheet := re.fullmatch(r"sheet/(\d{1,6})", rest):
            picture = self._picture(int(sheet[1]))
            found = None if picture is None else _file("image/webp", picture)
        return found or connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")

    def _built(self, host: str) -> bytes:
        """Return the page, which is built once."""
        with self._building:
            if not self._text:
                socket_url = f"ws://{host}/{self._token}/socket"
                self._text = self._page(socket_url).encode(errors="replace")
        return self._text

    def _serve_window(self, connection: Any) -> None:
        """Send messages to a window until it or the server closes."""
        from websockets.exceptions import ConnectionClosed

        self._count(1)
        listener = threading.Thread(target=self._listen, args=(connection,), daemon=True)
        listener.start()
        sent, over = 0, False
        try:
            with suppress(ConnectionClosed):
                while listener.is_alive() and not over:
                    due, over = self._due(sent)
                    for version, message in due:
                        connection.send(message() if callable(message) else message)
                        sent = version
        finally:
            self._count(-1)

    def _due(self, sent: int) -> tuple[list[tuple[int, Message]], bool]:
        """Return the messages newer than those sent, and whether the server closes; may wait."""
        with self._changed:
            # The timeout finds out about a window that is gone.
            self._changed.wait_for(lambda: self._newest > sent or self._closing, timeout=1)
            newer = (one for one in self._latest.values() if one[0] > sent)
            due = sorted(newer, key=itemgetter(0))
            return due, self._closing

    def _listen(self, connection: Any) -> None:
        """Pass the messages of a window on; others than objects of JSON are ignored."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            for message in connection:
                with suppress(ValueError):
                    content = json.loads(message)
                    if isinstance(content, dict):
                        self._receive(content)
        with self._changed:
            self._changed.notify_all()

    def _count(self, change: int) -> None:
        with self._changed:
            self._windows += change
            self._opened = True
            self._changed.notify_all()


def _file(kind: str, content: bytes) -> Any:
    """Return the answer to a request, a file of a media type."""
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    headers = Headers({"Content-Type": kind, "Content-Length": str(len(content))} | _HEADERS)
    return Response(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, content)


def _bound(port: int) -> socket.socket:
    """Return a socket that listens at a port of the loopback address."""
    check_count("port", port, 0)
    if port > _LARGEST_PORT:
        raise ValueError(f"port must be at most {_LARGEST_PORT}, got {port}.")
    try:
        return socket.create_server((_ADDRESS, port))
    except OSError as error:
        reason = "another program uses it" if error.errno == errno.EADDRINUSE else f"{error}"
        raise OSError(
            f"port {port} cannot be used ({reason}); name another one, or 0 for any."
        ) from None
