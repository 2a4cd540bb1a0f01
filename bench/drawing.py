"""Seconds to draw maps of 70,000 and 1,000,000 points: dots and densities, into a PNG file.

    python bench/drawing.py [--sizes N ...] [--repeats N] [--json FILE] [--figures DIR]

The points are islands of many sizes, in 20 classes. Each time is the median of several, after one
that loads matplotlib: from the map and its labels to the file, 7 × 7 inches of 200 pixels each.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import machine
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from bhtsne import plot

_SIZES = (70_000, 1_000_000)
_CLASSES = 20


def islands(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a map of as many islands as a t-SNE map may have, with strays, and their classes."""
    rng = np.random.default_rng(0)
    turn = np.arange(3 * _CLASSES)
    centre = (
        14
        * np.sqrt(turn + 1)[:, None]
        * np.column_stack(
            [np.cos(2.399963 * turn), np.sin(2.399963 * turn)]  # the golden angle
        )
    )
    share = rng.dirichlet(np.full(len(turn), 3.0))
    island = rng.choice(len(turn), n, p=share)
    width = 5 * np.sqrt(share / share.max())
    Y = centre[island] + rng.normal(size=(n, 2)) * width[island, None]
    stray = rng.random(n) < 0.002
    Y[stray] = rng.uniform(-100, 100, (stray.sum(), 2))
    return Y.astype(np.float32), island % _CLASSES


def seconds(draw, repeats: int) -> float:
    """Return the median of the seconds that a call takes."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        draw()
        took.append(time.perf_counter() - start)
        plt.close("all")
    return median(took)


def measure(n: int, repeats: int, folder: Path) -> list[dict]:
    """Return how long the pictures of n points take."""
    Y, y = islands(n)
    path = folder / "drawing-last.png"
    ways = {
        "dots, classes": lambda: plot.save(path, Y, y, kind="dots"),
        "density, classes": lambda: plot.save(path, Y, y, kind="density"),
        "density, a quantity": lambda: plot.save(path, Y, Y[:, 0], kind="density"),
        "density, no labels": lambda: plot.save(path, Y, kind="density"),
        "density, axes only": lambda: plot.density(Y, y),
    }
    rows = []
    for name, draw in ways.items():
        took = seconds(draw, repeats)
        rows.append({"points": n, "kind": name, "seconds": took})
        print(f"{n:>9,}  {name:20}  {took:6.2f} s", flush=True)
    path.unlink()
    return rows


def draw(n: int, path: Path) -> None:
    """Draw n points as dots and as densities, side by side, in light and dark."""
    Y, y = islands(n)
    figure = plt.figure(figsize=(10, 3.4), layout="constrained")
    titles = ("dots", "density", "density, dark")
    for part, title in zip(figure.subfigures(1, 3), titles, strict=True):
        theme = "dark" if "dark" in title else "light"
        kind = "dots" if title == "dots" else "density"
        plot.scatter(Y, y, ax=part.subplots(), kind=kind, legend=None, title=title, theme=theme)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, default="bench/drawing.json")
    parser.add_argument("--figures", type=Path, default="bench/figures")
    arguments = parser.parse_args()
    mpl.use("Agg")
    plot.save(arguments.figures / "drawing-last.png", *islands(1000))
    rows = [
        row for n in arguments.sizes for row in measure(n, arguments.repeats, arguments.figures)
    ]
    draw(max(arguments.sizes), arguments.figures / "drawing.png")
    machine.write(arguments.json, {"rows": rows})


if __name__ == "__main__":
    main()
