"""A sequence of maps, or a recorded run → a film, GIF or MP4: points glide from map to map."""

import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne.files import atomic_write, check_target
from bhtsne.plot.camera import aligned, followed
from bhtsne.plot.colours import Coloured, colour, for_each_map
from bhtsne.plot.painting import Stage
from bhtsne.plot.scatter import stack
from bhtsne.plot.several import checked
from bhtsne.plot.video import check_ffmpeg, write_gif, write_mp4
from bhtsne.recorder import Recorder

FILMS = (".gif", ".mp4")  # suffixes of the files that `animate` writes

_DPI = {".gif": 100, ".mp4": 180}
_RUN, _SHORTEST = 10.0, 0.1  # seconds of a recorded run, and from one of its maps to the next
_RANGES = {"seconds": (0.02, 600), "fps": (1, 50), "hold": (0, 600)}
_END = 2.0  # seconds that the end of a run stays


def animate(
    path: str | os.PathLike,
    maps: Sequence[Any] | Recorder,
    labels: Any = None,
    *,
    ids: Sequence[Any] | None = None,
    titles: Sequence[str] | None = None,
    seconds: float | None = None,
    fps: float = 20,
    hold: float | None = None,
    size: float | None = None,
    follow: bool | None = None,
    align: bool = False,
) -> None:
    """Write a film in which the points glide from each map to the next: of a sequence, or a run.

    On the way from y to y', a point is at ``y + (3 t² − 2 t³)(y' − y)`` after the part t of the
    time; in a recorded run, which doesn't rest between, at ``y + t (y' − y)``. One that the next
    map does not hold fades where it is; a new one appears where it will be.

    Parameters
    ----------
    path : str or path
        A file .gif, which repeats for ever, or .mp4, for which ffmpeg has to be on the PATH;
        replaced if it exists.
    maps : Recorder, or sequence of array-like of shape (N, d)
        What a `Recorder` has kept of a run, or maps; d is 1 or 2.
    labels : array-like of shape (N,), list of these, or None
        One label a point: one sequence for all maps, or a list with one sequence, or None, for
        each map, which `ids` needs. A point whose label changes changes its colour on the way.
    ids : sequence of array-like of shape (N,) or None
        For each map, which point each row is. None: all maps hold the same points in one order.
    titles : sequence of str or None
        One title a map, shown while it is the nearest. None tells a run's iteration and divergence.
    seconds : float or None
        Seconds from map to map. None: 1, or as many as make a run 10 s long, at least 0.1.
    fps : float
        Frames a second; in a .gif the nearest that it can hold: 100 divided by a whole number.
    hold : float or None
        Seconds of rest at each map, one frame at the least. None: 0.5; of a run only its end, 2.
    size : float or None
        Area of a point in square typographic points, as in `scatter`.
    follow : bool or None
        Whether the camera follows the maps' size, smoothly, so that each fills the picture. If not,
        it never moves: the limits are those of all maps, whose coordinates should be comparable.
        None: as it is a run, which grows from 1e-4 to 100, or is not.
    align : bool
        Whether each map is laid over the one before by shift, turn, mirror and scale (Procrustes):
        for maps of fits that know nothing of each other.

    Raises
    ------
    ValueError
        If maps, ids, labels or titles do not fit each other, a number is out of its range, the path
        ends in neither .gif nor .mp4, or there is no ffmpeg for an .mp4.
    RuntimeError
        If ffmpeg fails; the message is its own.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> Y = np.random.default_rng(0).normal(size=(50, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "turn.gif")
    ...     animate(path, [Y, Y[:, ::-1]], titles=["before", "after"], hold=0.2)
    ...     with Image.open(path) as film:
    ...         print(film.n_frames)  # two that rest, and twenty on the way
    22
    """
    check_target(path, FILMS)
    suffix = Path(path).suffix.lower()
    if suffix == ".mp4":
        check_ffmpeg()
    run = isinstance(maps, Recorder)
    if isinstance(maps, Recorder):
        titles = _told(maps) if titles is None else titles
        maps = maps.maps
    maps, titles = checked(maps, titles)
    dims = [Y.shape[1] for Y in maps]
    if dims[0] == 3 or len(set(dims)) > 1:
        raise ValueError(f"maps must all be 1-D or all be 2-D, got {dims} dimensions.")
    pace = _pace(len(maps), seconds, fps, hold, suffix, run)
    each = for_each_map(labels, len(maps))
    if ids is not None and labels is not None and each[0] is labels:
        raise ValueError(
            "labels must be a list with one sequence for each map where ids are given."
        )
    rows = _rows(maps, ids)
    maps = aligned(maps, rows) if align else maps
    maps = followed(maps) if (run if follow is None else follow) else maps
    alike = ids is None and all(some is each[0] for some in each)
    coloured = colour(each[:1] if alike else each, [len(Y) for Y in maps[: 1 if alike else None]])
    film = _film(maps, coloured, rows)
    stage = Stage(
        film.places[film.present], dims[0], max(map(len, maps)), size,
        max(titles, key=lambda title: title.count("\n")), coloured, labels is None, _DPI[suffix],
    )  # fmt: skip
    pictures = (stage.picture(*film.at(time), titles[round(time)]) for time in pace.times)
    with atomic_write(path) as file:
        if suffix == ".gif":
            write_gif(file, pictures, pace.durations, film.colours[film.colours[..., 3] > 0, :3])
        else:
            write_mp4(file, pictures, pace.durations, fps)


def _told(run: Recorder) -> list[str]:
    """Return a title for each map of a run."""
    pairs = zip(run.iterations, run.kl, strict=True)
    return [f"iteration {i:,}" + ("" if kl != kl else f"   KL {kl:.3f}") for i, kl in pairs]


class _Pace(NamedTuple):
    """When each frame is, in maps, and the seconds it stays."""

    times: list[float]
    durations: list[float]


def _pace(count: int, seconds, fps, hold, suffix: str, run: bool) -> _Pace:
    if seconds is None:
        seconds = max(_RUN / max(count - 1, 1), _SHORTEST) if run else 1.0
    end = _END if run and hold is None else 0.0
    hold = (0.0 if run else 0.5) if hold is None else hold
    given: dict[str, Any] = {"seconds": seconds, "fps": fps, "hold": hold}
    for name, (low, high) in _RANGES.items():
        value, real = given[name], isinstance(given[name], Real)
        if not real or not low <= value <= high:
            raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}.")
    step, rest = 1 / fps, max(hold, 1 / fps)
    if suffix == ".gif":  # which counts hundredths of a second
        step = round(100 / fps) / 100
        rest = max(step, round(100 * hold) / 100)
    between = max(1, round(seconds / step)) - run  # a run's maps are on the way, too
    times = _times(count, between, eased=not run).tolist()
    durations = [rest if time.is_integer() else step for time in times]
    return _Pace(times, [*durations[:-1], max(durations[-1], end)])


def _times(count: int, between: int, eased: bool = True) -> np.ndarray:
    """Return the times of the frames: whole at each map, fractions on the way to the next."""
    part = np.arange(between + 1) / (between + 1)
    if eased:
        part = 3 * part**2 - 2 * part**3
    return np.append(np.add.outer(np.arange(count - 1), part).ravel(), count - 1.0)


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


class _Film(NamedTuple):
    """Where each point is at each map, (maps, points, 2), and how it looks: (maps, points, 4).

    The looks are red, green, blue and presence; of one map where they are the same in all.
    """

    places: np.ndarray
    colours: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Which point is in which map."""
        return np.broadcast_to(self.colours[..., 3] > 0, self.places.shape[:2])

    def at(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return places and colours at an eased time."""
        now = int(time)
        part, then = np.float32(time - now), min(now + 1, len(self.places) - 1)
        start, end = self.places[now], self.places[then]
        if len(self.colours) == 1:
            return start + part * (end - start), self.colours[0]
        here, there = self.colours[now], self.colours[then]
        new, gone = here[:, 3:] == 0, there[:, 3:] == 0
        # what comes or goes stays where it is, and only its presence moves
        start, end = np.where(new & ~gone, end, start), np.where(gone & ~new, start, end)
        looks = [np.where(new & ~gone, there, here), np.where(gone & ~new, here, there)]
        looks[0][:, 3], looks[1][:, 3] = here[:, 3], there[:, 3]
        return start + part * (end - start), looks[0] + part * (looks[1] - looks[0])


def _film(maps: list[np.ndarray], coloured: Coloured, rows: list[np.ndarray]) -> _Film:
    """Return the points of all maps in the order in which they are drawn."""
    n = max(row.max() for row in rows) + 1
    places = np.zeros((len(maps), n, 2), np.float32)
    colours = np.zeros((len(coloured.colours), n, 4), np.float32)
    known = np.zeros(n, bool)
    for i, row in enumerate(rows):
        places[i, row] = stack(maps[i]) if maps[i].shape[1] == 1 else maps[i]
    for i, rgba in enumerate(coloured.colours):
        colours[i, rows[i], :3], colours[i, rows[i], 3] = rgba[:, :3], 1
        known[rows[i]] |= coloured.known[i]
    random = np.random.default_rng(0).permutation(n)
    order = np.lexsort((random, known))
    return _Film(places[:, order], colours[:, order])
