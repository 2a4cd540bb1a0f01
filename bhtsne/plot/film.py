"""A sequence of maps, or a recorded run → a GIF or MP4 in which points move from map to map."""

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
from bhtsne.plot.several import checked_maps
from bhtsne.plot.video import check_ffmpeg, write_gif, write_mp4
from bhtsne.recorder import Recorder

FILMS = (".gif", ".mp4")  # suffixes of the files that `animate` writes

_DPI = {".gif": 100, ".mp4": 180}
_RUN, _SHORTEST = 10.0, 0.1  # seconds: duration of a run, least time between two of its maps
_RANGES = {"seconds": (0.02, 600), "fps": (1, 50), "hold": (0, 600)}
_END = 2.0  # seconds for which the last map of a run is shown


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
    """Write a film of maps in which the points move from each map to the next.

    From y to y', a point is at ``y + (3 t² − 2 t³)(y' − y)`` after the fraction t of the time; in a
    recorded run, which does not pause at its maps, at ``y + t (y' − y)``. A point that is missing
    from the next map fades out at its position; a new point fades in at its position in the next.

    Parameters
    ----------
    path : str or path
        A .gif file, which repeats forever, or an .mp4 file, for which ffmpeg must be on the PATH;
        an existing file is replaced.
    maps : Recorder, or sequence of array-like of shape (N, d)
        A recorded run, or maps; d is 1 or 2.
    labels : array-like of shape (N,), list of these, or None
        Labels of the points: one sequence for all maps, or a list with one sequence, or None, for
        each map, which is required with `ids`. Colours change gradually between two labels.
    ids : sequence of array-like of shape (N,) or None
        Identifiers of the rows of each map. None: all maps hold the same points in the same order.
    titles : sequence of str or None
        One title for each map. Each frame has the title of the map nearest in time. None shows
        iteration and KL divergence of a recorded run, and no titles otherwise.
    seconds : float or None
        Seconds from map to map. None: 1; for a run, 10 s divided by its number of steps, at least
        0.1.
    fps : float
        Frames per second. A .gif has the nearest possible rate, 100 divided by an integer.
    hold : float or None
        Seconds of pause at each map, at least one frame. None: 0.5; for a run, 2 at the last map
        only.
    size : float or None
        Area of a point in square typographic points, as in `scatter`.
    follow : bool or None
        Whether the camera follows the size of the maps smoothly, so that each fills the frame.
        Otherwise the limits are constant and enclose all maps, whose coordinates should be
        comparable. None: True for a run, whose maps grow from 1e-4 to 100, False otherwise.
    align : bool
        Whether each map is aligned with the one before by Procrustes analysis (translation,
        rotation or reflection, and scaling), for maps of separate fits.

    Raises
    ------
    ValueError
        If maps, ids, labels or titles do not match, a number is out of range, the path ends in
        neither .gif nor .mp4, or ffmpeg is missing for an .mp4 file.
    RuntimeError
        If ffmpeg fails; its message is included.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> Y = np.random.default_rng(0).normal(size=(50, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "turn.gif")
    ...     animate(path, [Y, Y[:, ::-1]], titles=["before", "after"], hold=0.2)
    ...     with Image.open(path) as film:
    ...         print(film.n_frames)  # one for each map, and twenty between them
    22
    """
    check_target(path, FILMS)
    suffix = Path(path).suffix.lower()
    if suffix == ".mp4":
        check_ffmpeg()
    run = isinstance(maps, Recorder)
    if isinstance(maps, Recorder):
        titles = _run_titles(maps) if titles is None else titles
        maps = maps.maps
    maps, titles = checked_maps(maps, titles)
    dims = [Y.shape[1] for Y in maps]
    if dims[0] == 3 or len(set(dims)) > 1:
        raise ValueError(f"maps must all be 1-D or all be 2-D, got {dims} dimensions.")
    pace = _pace(len(maps), seconds, fps, hold, suffix, run)
    each = for_each_map(labels, len(maps))
    if ids is not None and labels is not None and each[0] is labels:
        raise ValueError("labels must be a list with one sequence for each map if ids are given.")
    rows = _rows(maps, ids)
    maps = aligned(maps, rows) if align else maps
    maps = followed(maps) if (run if follow is None else follow) else maps
    same = ids is None and all(some is each[0] for some in each)
    coloured = colour(each[:1] if same else each, [len(Y) for Y in maps[: 1 if same else None]])
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


def _run_titles(run: Recorder) -> list[str]:
    """Return a title with iteration and KL divergence for each map of a run."""
    pairs = zip(run.iterations, run.kl, strict=True)
    return [f"iteration {i:,}" + ("" if kl != kl else f"   KL {kl:.3f}") for i, kl in pairs]


class _Pace(NamedTuple):
    """Times of the frames, in maps, and their durations in seconds."""

    times: list[float]
    durations: list[float]


def _pace(count: int, seconds, fps, hold, suffix: str, run: bool) -> _Pace:
    """Return the frames of a film of `count` maps, or raise ValueError for an invalid number."""
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
    if suffix == ".gif":  # the format stores hundredths of a second
        step = round(100 / fps) / 100
        rest = max(step, round(100 * hold) / 100)
    # Without a pause, the frame at a map of a run is one of the frames of a step.
    between = max(1, round(seconds / step)) - run
    times = _times(count, between, eased=not run).tolist()
    durations = [rest if time.is_integer() else step for time in times]
    return _Pace(times, [*durations[:-1], max(durations[-1], end)])


def _times(count: int, between: int, eased: bool = True) -> np.ndarray:
    """Return the times of the frames: an integer at each map, fractions between two maps."""
    part = np.arange(between + 1) / (between + 1)
    if eased:
        part = 3 * part**2 - 2 * part**3
    return np.append(np.add.outer(np.arange(count - 1), part).ravel(), count - 1.0)


def _rows(maps: list[np.ndarray], ids: Sequence[Any] | None) -> list[np.ndarray]:
    """Return, for each map, the indices of its points among the points of all maps."""
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
            raise ValueError(f"ids[{i}] must hold each identifier once, got duplicates.")
    number: dict = {}
    return [np.array([number.setdefault(x, len(number)) for x in some]) for some in ids]


class _Film(NamedTuple):
    """Positions of the points at each map, (maps, points, 2), and colours, (maps, points, 4).

    Colours are red, green, blue and presence. Their first axis is 1 if all maps have the same.
    """

    places: np.ndarray
    colours: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Whether each point is in each map, of shape (maps, points)."""
        return np.broadcast_to(self.colours[..., 3] > 0, self.places.shape[:2])

    def at(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and colours at a time in maps."""
        now = int(time)
        part, then = np.float32(time - now), min(now + 1, len(self.places) - 1)
        start, end = self.places[now], self.places[then]
        if len(self.colours) == 1:
            return start + part * (end - start), self.colours[0]
        here, there = self.colours[now], self.colours[then]
        new, gone = here[:, 3:] == 0, there[:, 3:] == 0
        # A point that appears or disappears does not move; only its presence changes.
        start, end = np.where(new & ~gone, end, start), np.where(gone & ~new, start, end)
        first, last = np.where(new & ~gone, there, here), np.where(gone & ~new, here, there)
        first[:, 3], last[:, 3] = here[:, 3], there[:, 3]
        return start + part * (end - start), first + part * (last - first)


def _film(maps: list[np.ndarray], coloured: Coloured, rows: list[np.ndarray]) -> _Film:
    """Return the film of the points of all maps, sorted in drawing order."""
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
