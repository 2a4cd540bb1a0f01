"""A sequence of maps → a GIF in which the points glide from each map to the next."""

import os
from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from bhtsne.files import check_target, replacing
from bhtsne.plot.colours import Coloured, colour, for_each_map
from bhtsne.plot.naming import explain_beside
from bhtsne.plot.scatter import dots, frame, settle, stack, undress
from bhtsne.plot.several import checked


def animate(
    path: str | os.PathLike,
    maps: Sequence[Any],
    labels: Any = None,
    *,
    ids: Sequence[Any] | None = None,
    titles: Sequence[str] | None = None,
    seconds: float = 1.0,
    fps: float = 20,
    hold: float = 0.5,
    size: float | None = None,
) -> None:
    """Write a film in which the points glide from each map of a sequence to the next.

    The limits are those of all maps, so that the camera never moves. On the way from y to y',
    a point is at ``y + (3 t² − 2 t³)(y' − y)`` after the part t of the time. One that the next map
    does not hold fades where it is; a new one appears where it will be.

    Parameters
    ----------
    path : str or path
        A file .gif; replaced if it exists. It repeats for ever.
    maps : sequence of array-like of shape (N, d)
        The maps, whose coordinates are comparable; d is 1 or 2.
    labels : array-like of shape (N,), list of these, or None
        One label a point: one sequence for all maps, or a list with one sequence, or None, for
        each map, which `ids` needs. A point whose label changes changes its colour on the way.
    ids : sequence of array-like of shape (N,) or None
        For each map, which point each row is. None: all maps hold the same points in one order.
    titles : sequence of str or None
        One title a map, shown while it is the nearest.
    seconds : float
        Seconds from map to map.
    fps : float
        Frames a second, to the nearest that the format can hold: 100 divided by a whole number.
    hold : float
        Seconds of rest at each map, one frame at the least.
    size : float or None
        Area of a point in square typographic points, as in `scatter`.

    Raises
    ------
    ValueError
        If maps, ids, labels or titles do not fit each other, a number is out of its range or the
        path does not end in .gif.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> Y = np.random.default_rng(0).normal(size=(50, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "turn.gif")
    ...     animate(path, [Y, Y[:, ::-1]], titles=["before", "after"], hold=0.2)
    ...     with Image.open(path) as film:
    ...         print(film.n_frames)  # two that rest, and twenty on the way
    22
    """
    check_target(path, (".gif",))
    maps, titles = checked(maps, titles)
    dims = [Y.shape[1] for Y in maps]
    if dims[0] == 3 or len(set(dims)) > 1:
        raise ValueError(f"maps must all be 1-D or all be 2-D, got {dims} dimensions.")
    step, rest, between = _pace(seconds, fps, hold)
    each = for_each_map(labels, len(maps))
    if ids is not None and labels is not None and each[0] is labels:
        raise ValueError(
            "labels must be a list with one sequence for each map where ids are given."
        )
    coloured = colour(each, [len(Y) for Y in maps])
    states = _states(maps, coloured, _rows(maps, ids))
    times = _times(len(maps), between)
    durations = [rest if time.is_integer() else step for time in times.tolist()]
    tallest = max(titles, key=lambda title: title.count("\n"))
    ax = _stage(states[states[..., 5] > 0, :2], dims[0], tallest, coloured)
    style = dots(ax, max(map(len, maps)), size, None, plain=labels is None)
    images = _images(ax, states, times, titles, style)
    with replacing(path) as file:
        first = next(images)
        options: dict = {"save_all": True, "append_images": images, "loop": 0}
        first.save(file, "GIF", duration=durations, **options)


def _pace(seconds: float, fps: float, hold: float) -> tuple[int, int, int]:
    """Return the milliseconds of a frame and of a rest, and the frames between two maps."""
    ranges = {"seconds": (seconds, 0.02, 600), "fps": (fps, 1, 50), "hold": (hold, 0, 600)}
    for name, (value, low, high) in ranges.items():
        if not isinstance(value, Real) or not low <= value <= high:
            raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}.")
    step = 10 * round(100 / fps)  # the format counts hundredths of a second
    return step, max(step, 10 * round(100 * hold)), max(1, round(1000 * seconds / step))


def _times(count: int, between: int) -> np.ndarray:
    """Return the eased times of the frames: whole at each map, fractions on the way to the next."""
    part = np.arange(between + 1) / (between + 1)
    eased = 3 * part**2 - 2 * part**3
    return np.append(np.add.outer(np.arange(count - 1), eased).ravel(), count - 1.0)


def _rows(maps: list[np.ndarray], ids: Sequence[Any] | None) -> list[np.ndarray]:
    """Return, for each map, the number of each of its points among those of all maps."""
    sizes = [len(Y) for Y in maps]
    if ids is None:
        if len(set(sizes)) > 1:
            raise ValueError(f"maps must hold the same points, got {sizes} points; give ids.")
        return [np.arange(n) for n in sizes]
    if [np.shape(some) for some in ids] != [(n,) for n in sizes]:
        shapes = [np.shape(some) for some in ids]
        raise ValueError(
            f"ids must be a list with one array for each map, of {sizes} ids, got shapes {shapes}."
        )
    for i, some in enumerate(ids):
        if len(set(some)) < len(some):
            raise ValueError(f"ids[{i}] must name each point once, but some are there twice.")
    number: dict = {}
    return [np.array([number.setdefault(x, len(number)) for x in some]) for some in ids]


def _states(maps: list[np.ndarray], coloured: Coloured, rows: list[np.ndarray]) -> np.ndarray:
    """Return x, y, red, green, blue and presence at each map for each point: (maps, points, 6)."""
    states = np.zeros((len(maps), max(row.max() for row in rows) + 1, 6))
    known = np.zeros(states.shape[1], bool)
    for i, row in enumerate(rows):
        states[i, row, :2] = stack(maps[i]) if maps[i].shape[1] == 1 else maps[i]
        states[i, row, 2:5] = coloured.colours[i][:, :3]
        states[i, row, 5] = 1
        known[row] |= coloured.known[i]
    random = np.random.default_rng(0).permutation(len(known))
    return states[:, np.lexsort((random, known))]


def _at(states: np.ndarray, time: float) -> np.ndarray:
    """Return the state of each point at an eased time."""
    start, end = states[int(time)], states[min(int(time) + 1, len(states) - 1)]
    new, gone = start[:, 5:] == 0, end[:, 5:] == 0
    here = [True] * 5 + [False]  # what comes or goes stays where it is, and only its presence moves
    part = time - int(time)
    return (1 - part) * np.where(new & here, end, start) + part * np.where(gone & here, start, end)


def _stage(points: np.ndarray, dims: int, title: str, coloured: Coloured) -> Any:
    """Return axes that have room for all points, with all around them that stays."""
    figure = Figure(figsize=(6, 6 if dims == 2 else 2.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    undress(ax, dims)
    frame(ax, points)
    ax.set_title(title).set_animated(True)
    explain_beside(figure, [ax], coloured)
    settle(ax)
    figure.set_layout_engine("none")
    return ax


def _images(
    ax: Any, states: np.ndarray, times: np.ndarray, titles: list[str], style: dict
) -> Iterator[Image.Image]:
    """Draw a frame for each time: over the picture of all that stays, points and a title."""
    canvas = ax.figure.canvas
    points = ax.scatter(*states[0, :, :2].T, sizes=style["sizes"], linewidths=0, animated=True)
    canvas.draw()
    empty = canvas.copy_from_bbox(ax.figure.bbox)
    palette, nearest = _palette(states)
    for time in times:
        state = _at(states, time)
        points.set_offsets(state[:, :2])
        points.set_facecolors(state[:, 2:] * [1, 1, 1, style["alpha"]])
        ax.title.set_text(titles[round(time)])
        canvas.restore_region(empty)
        ax.draw_artist(points)
        ax.draw_artist(ax.title)
        red, green, blue, _ = np.moveaxis(np.asarray(canvas.buffer_rgba()) >> 3, -1, 0)
        image = Image.fromarray(nearest[red * np.int32(1024) + green * np.int32(32) + blue])
        image.putpalette(palette)
        yield image


def _palette(states: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return shades of white to each colour, and the nearest of them to 32 × 32 × 32 colours.

    One palette for all frames, so that none flickers. (Pillow's own search turns white into a
    shade that is nearly white.)
    """
    colours = np.unique(states[states[..., 5] > 0, 2:5].round(3), axis=0)
    colours = colours[np.argsort(colours.sum(axis=1))]
    colours = colours[np.linspace(0, len(colours) - 1, min(len(colours), 41)).round().astype(int)]
    greys = np.linspace(0, 1, 16)[:, None].repeat(3, axis=1)
    # 255 at the most: the format's writer takes one to mark what a frame doesn't change
    strength = np.linspace(1, 0, min(32, (255 - len(greys)) // len(colours)), endpoint=False)
    shades = 1 - np.multiply.outer(strength, 1 - colours).reshape(-1, 3)
    shades = np.concatenate([greys, shades])
    cube = np.indices((32, 32, 32)).reshape(3, -1).T / 31
    nearest = ((shades**2).sum(axis=1) - 2 * cube @ shades.T).argmin(axis=1)
    return np.rint(255 * shades).astype(np.uint8).tobytes(), nearest.astype(np.uint8)
