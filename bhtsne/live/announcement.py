"""A server → its address for the user: printed, and opened in a browser or a notebook."""

import getpass
import os
import socket
import sys
import webbrowser

from bhtsne.live.server import Server

__all__ = ["announce"]


def announce(server: Server, show: bool) -> None:
    """Print the address of a page, and open it if a browser or a notebook can show it."""
    print(server.url, flush=True)
    remote = "SSH_CONNECTION" in os.environ
    if remote:
        print(forwarding(server.port), file=sys.stderr, flush=True)
    if show and "ipykernel.zmqshell" in sys.modules:
        _show_in_notebook(server.url)
    elif show and not remote:
        webbrowser.open(server.url)


def forwarding(port: int) -> str:
    """Return the command that makes a port of this machine one of the viewer's machine."""
    there = f"{getpass.getuser()}@{socket.gethostname()}"
    return f"From another machine, first run: ssh -N -L {port}:127.0.0.1:{port} {there}"


def _show_in_notebook(url: str) -> None:
    from IPython.display import IFrame, display

    display(IFrame(url, "100%", 640))
