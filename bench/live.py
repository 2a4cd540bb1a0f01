"""What a live page costs: seconds of a fit alone and with windows, and the maps that they get.

    python bench/live.py [--points N ...] [--rounds N ...] [--json FILE]

Digits, by a fit of 4,000 iterations, MNIST, and beyond 70,000 its deformed digits; in turns, of
which medians count. "alone" has no page. "received": a second process receives and decodes the maps
and draws none, as a window on a machine with a graphics card costs the processor. "drawn": Chromium
draws each map; without a graphics card it draws in software, on the cores that the fit uses. Maps a
second are those of the optimization. Needs playwright and Chromium, as `browser.py`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import machine
import numpy as np
from browser import launched
from deformed import deformed
from playwright.sync_api import sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bhtsne import TSNE, datasets, live

_FEW, _MANY = 5000, 4000  # points, and iterations of their fits, which else end in a second


def data(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and labels."""
    digits = datasets.digits()
    return (digits.X, digits.y) if points <= len(digits.X) else deformed(points)


def receive() -> None:
    """Receive and decode the messages of a run until it ends; print the number of maps.

    The address of the page is read from the standard input.
    """
    print("ready", flush=True)
    parts, maps = urlsplit(sys.stdin.readline().strip()), 0
    address = f"ws://{parts.netloc}{parts.path}socket"
    with connect(address, origin=f"http://{parts.netloc}", max_size=None) as socket:
        try:
            for message in socket:
                if isinstance(message, bytes):
                    size = int.from_bytes(message[:4], "little")
                    maps += json.loads(message[4 : 4 + size])["type"] == "map"
                    np.frombuffer(message, np.uint16, offset=4 + size)
        except ConnectionClosed:
            pass
    print(maps)


def fitted(X: np.ndarray, page: live.Page | None = None) -> TSNE:
    """Return a fit, with a page if there is one; of many iterations for few points."""
    n_iter = _MANY if len(X) < _FEW else "auto"
    return TSNE(random_state=0, n_iter=n_iter, callbacks=[] if page is None else [page]).fit(X)


def received(X: np.ndarray, page: live.Page) -> tuple[TSNE, int]:
    """Return a fit and the number of maps that another process received."""
    command = [sys.executable, __file__, "--receive"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    receiver = subprocess.Popen(command, **pipes)
    assert receiver.stdout.readline() == "ready\n"  # its start takes no time of the fit

    def begin(url: str) -> None:
        receiver.stdin.write(f"{url}\n")
        receiver.stdin.flush()

    model = _watched(X, page, begin)
    return model, int(receiver.communicate()[0])


def _watched(X: np.ndarray, page: live.Page, begin) -> TSNE:
    """Return a fit whose page is given to `begin` as its server starts."""
    open_page = page.open

    def opened(n: int) -> None:
        open_page(n)
        begin(page.url)

    page.open = opened
    return fitted(X, page)


def drawn(X: np.ndarray, page: live.Page, chromium) -> tuple[TSNE, int]:
    """Return a fit and the number of maps that Chromium drew."""
    address, models = [], []
    ready = threading.Event()

    def begin(url: str) -> None:
        address.append(url)
        ready.set()

    thread = threading.Thread(target=lambda: models.append(_watched(X, page, begin)))
    thread.start()
    ready.wait()
    window = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    window.goto(address[0])
    window.wait_for_function("document.body.dataset.over", timeout=3_600_000, polling=500)
    maps = int(window.evaluate("document.body.dataset.maps"))
    thread.join()
    window.context.close()
    return models[0], maps


def turn(X: np.ndarray, y: np.ndarray, chromium) -> dict:
    """Return the seconds of each kind of fit and of its optimization, and the maps shown."""

    def row(model: TSNE, maps: int = 0) -> dict:
        seconds = model.timings_
        return {
            "fit": sum(seconds.values()),
            "optimization": seconds["optimization"],
            "maps_per_second": maps / seconds["optimization"],
        }

    return {
        "alone": row(fitted(X)),
        "received": row(*received(X, live.Page(y, show=False))),
        "drawn": row(*drawn(X, live.Page(y, show=False), chromium)),
    }


def medians(turns: list[dict]) -> dict:
    """Return the medians of the turns, and the time of each kind of fit by that of one alone."""
    names = turns[0]["alone"]
    out = {
        kind: {name: statistics.median(one[kind][name] for one in turns) for name in names}
        for kind in turns[0]
    }
    for kind in ("received", "drawn"):
        ratios = [one[kind]["fit"] / one["alone"]["fit"] for one in turns]
        out[kind]["time_by_alone"] = statistics.median(ratios)
    return out


def main() -> None:
    """Run all sizes, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[1797, 70_000, 1_000_000])
    parser.add_argument("--rounds", type=int, nargs="+", default=[3, 3, 1], help="of each size")
    parser.add_argument("--json", type=Path, default="bench/live.json")
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.receive:
        receive()
        return
    with sync_playwright() as playwright:
        chromium = launched(playwright)
        rows = []
        fitted(data(70_000)[0][:6000])
        for points, rounds in zip(arguments.points, arguments.rounds, strict=True):
            X, y = data(points)
            turns = [turn(X, y, chromium) for _ in range(rounds)]
            rows.append({"points": len(X), "rounds": rounds, **medians(turns)})
            print(json.dumps(rows[-1]), flush=True)
        result = {"browser": chromium.version, "rows": rows}
        chromium.close()
    machine.write(arguments.json, result)


if __name__ == "__main__":
    main()
