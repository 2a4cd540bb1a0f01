"""The page of `bhtsne.browser`: its size, how soon it opens, and frames per second.

    python bench/browser.py [--points N ...] [--seconds S] [--json FILE] [--headed]

The map is one of Gaussian blobs with a label, a quantity, a name, a divergence and 15 neighbours
for each point, of which the map keeps a part. The page is opened from the disk in Chromium, the
network blocked, and moved for some seconds at a time: dragged by the mouse, zoomed by the wheel,
and the mouse moved over it, which looks for the nearest point. Between one frame and the next lie
the times of `requestAnimationFrame`; a browser draws 60 a second at most. Without a graphics card
Chromium draws in software, and the result says which. While it moves, the page draws as large a
share of the points as comes in time for 30 frames a second, and all of them as soon as it stands;
the share at the end of each move is reported too.
Needs playwright, and Chromium from the system's packages or from `playwright install chromium`.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
from playwright.sync_api import sync_playwright

from bhtsne import browser, neighbors

_SIZE = {"width": 1280, "height": 800}
_ARGUMENTS = ["--ignore-gpu-blocklist", "--enable-unsafe-swiftshader"]

# Moves by one step for each frame, and returns the milliseconds of each frame.
_MOVE = """async ([kind, seconds]) => {
  const canvas = document.getElementById("map"), x = innerWidth / 2, y = innerHeight / 2;
  const tell = (type, x, y, buttons) => canvas.dispatchEvent(
    new MouseEvent(type, { clientX: x, clientY: y, buttons, bubbles: true }));
  const frame = () => new Promise(requestAnimationFrame);
  tell("mouseenter", x, y, 0);
  if (kind === "pan") tell("mousedown", x, y, 1);
  const times = [await frame()];
  for (let k = 0; times.at(-1) - times[0] < 1000 * seconds; k++) {
    const turn = k / 30, to = [x + 200 * Math.sin(turn), y + 120 * Math.sin(2 * turn)];
    if (kind !== "zoom") tell("mousemove", ...to, kind === "pan" ? 1 : 0);
    else canvas.dispatchEvent(new WheelEvent("wheel", {
      clientX: x, clientY: y, deltaY: -40 * Math.cos(turn), bubbles: true, cancelable: true }));
    times.push(await frame());
  }
  tell("mouseup", x, y, 0);
  return times.slice(1).map((t, i) => t - times[i]);
}"""

_CARD = """() => {
  const gl = document.createElement("canvas").getContext("webgl");
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "unknown";
}"""


def launched(playwright, headless: bool = True):
    """Return Chromium, from the system's packages or from playwright's."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    arguments = [*_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=path, headless=headless, args=arguments)


def written(path: Path, n: int) -> dict:
    """Write the page of n points; return its size and the seconds that writing took."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 10, n)
    Y = rng.normal(size=(10, 2))[label] * 6 + rng.normal(size=(n, 2))
    columns = {"quantity": rng.gamma(2.0, size=n), "name": [f"point {i}" for i in range(n)]}
    moved = Y + rng.normal(scale=2 / np.sqrt(n), size=Y.shape)
    near = {"neighbors": neighbors.find(moved, 15), "kl_per_point": rng.gamma(2.0, size=n) / n}
    start = time.perf_counter()
    browser.write(path, Y, label, columns=columns, **near)
    return {"points": n, "write_seconds": time.perf_counter() - start, "bytes": path.stat().st_size}


def opened(chromium, path: Path, seconds: float) -> dict:
    """Open the page; return what was measured in it."""
    context = chromium.new_context(viewport=_SIZE, offline=True)
    page = context.new_page()
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=120_000)
    row = {"open_seconds": time.perf_counter() - start, "renderer": page.evaluate(_CARD)}
    for kind in ("pan", "zoom", "hover"):
        frames = np.array(page.evaluate(_MOVE, [kind, seconds]))
        row[kind] = {
            "frames_per_second": 1000 / float(np.median(frames)),
            "slowest_5_percent": 1000 / float(np.quantile(frames, 0.95)),
            "frames": len(frames),
        }
        if kind != "hover":  # in which the map stands, all of it drawn
            row[kind]["share_drawn"] = float(page.locator("#map").get_attribute("data-share"))
    context.close()
    return row


def main() -> None:
    """Write and open one page for each number of points, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind of move")
    parser.add_argument("--json", type=Path, default=None, help="write the result here")
    parser.add_argument("--headed", action="store_true", help="in a window, on the graphics card")
    options = parser.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = launched(playwright, headless=not options.headed)
        result: dict = {"browser": chromium.version, "pages": []}
        for n in options.points:
            file = Path(folder, f"{n}.html")
            result["pages"].append(written(file, n) | opened(chromium, file, options.seconds))
            print(json.dumps(result["pages"][-1]), file=sys.stderr, flush=True)
        chromium.close()
    print(json.dumps(result, indent=1))
    if options.json:
        machine.write(options.json, result)


if __name__ == "__main__":
    main()
