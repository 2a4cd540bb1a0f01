"""A run's maps → `Recorder`: as many frames as asked for, in half the memory; in a file too."""

import json
import os
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne import files
from bhtsne.optimizer import Record, State

__all__ = ["Recorder"]

_FORMAT, _VERSION = "bhtsne.Recorder", 1
_DTYPES = {
    "frames": np.float16, "centres": np.float32, "scales": np.float32,
    "iterations": np.int64, "kl": np.float64,
}  # fmt: skip


class _Frame(NamedTuple):
    """A map ``centre + scale · frame``, where frame lies in [−1, 1]."""

    frame: np.ndarray
    centre: np.ndarray
    scale: np.float32
    iteration: int
    kl: float


class Recorder:
    """A callback that keeps maps of a run, for `plot.animate`.

    It keeps the start, then what it is called with, every `callback_every` iterations. Once there
    are more frames than asked for, that one goes which is missed least: whose neighbours are
    nearest to each other by the square root of the iteration. So the frames are spread evenly by
    that root, at any length of the run, and are densest at the start, where a map changes most: of
    10,000 digits it moves by a fifth of its size in 10 iterations of early exaggeration, and by
    less than a hundredth in 10 after 300.

    A frame takes N · d · 2 bytes: float16, with a scale and a centre for each frame, is within
    1/4096 of the map's width, also where that is 1e-4.

    Parameters
    ----------
    frames : int, default 100
        The most frames that are kept, 2 or more.

    Attributes
    ----------
    maps : list of ndarray of float32, shape (N, d)
        The maps, in the order of the iterations; made anew from float16 at each look.
    iterations : list of int
        Iterations done at each of them, 0 at the start.
    kl : list of float
        KL divergence of each in nats; NaN at the start, where nothing computes it.

    Notes
    -----
    A fit begins anew and drops what there is. `TSNE.optimize` and a fit that goes on from its
    checkpoint go on recording: what is later than where they begin is replaced.

    Examples
    --------
    >>> from bhtsne import Recorder, TSNE, datasets
    >>> X = datasets.digits().X[:300]
    >>> run = Recorder(frames=10)
    >>> Y = TSNE(random_state=0, n_iter=100, callbacks=[run], callback_every=10).fit_transform(X)
    >>> run.iterations
    [0, 10, 20, 40, 60, 100, 170, 230, 330, 350]
    >>> bool(abs(run.maps[-1] - Y).max() < abs(Y).max() / 2000)
    True
    """

    def __init__(self, frames: int = 100) -> None:
        whole = isinstance(frames, Integral) and not isinstance(frames, bool)
        if not whole or frames < 2:
            raise ValueError(f"frames must be a whole number of at least 2, got {frames!r}.")
        self.frames = int(frames)
        self._kept: list[_Frame] = []

    def begin(self, state: State) -> None:
        """Keep the map that a run begins with, and of earlier ones what led to it.

        Parameters
        ----------
        state : State
            The optimizer's.
        """
        self._kept = [frame for frame in self._kept if frame.iteration <= state.iteration]
        known = [record.kl for record in state.history if record.iteration == state.iteration]
        if state.iteration == 0 or state.iteration not in self.iterations:
            self._keep(state.iteration, known[-1] if known else np.nan, state.Y)

    def __call__(self, record: Record, Y: np.ndarray) -> None:
        """Keep the map of a check."""
        self._keep(record.iteration, record.kl, Y)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._kept)

    @property
    def maps(self) -> list[np.ndarray]:
        """Return the maps, made anew from float16."""
        return [f.centre + f.scale * f.frame.astype(np.float32) for f in self._kept]

    @property
    def iterations(self) -> list[int]:
        """Return the iterations done at each map."""
        return [frame.iteration for frame in self._kept]

    @property
    def kl(self) -> list[float]:
        """Return the divergence of each map."""
        return [frame.kl for frame in self._kept]

    def save(self, path: str | os.PathLike) -> None:
        """Write the frames to a file, whole or not at all: an .npz of plain arrays.

        Parameters
        ----------
        path : str or path
            A file, replaced if it exists.

        Raises
        ------
        ValueError
            If nothing has been recorded.
        OSError
            If the file cannot be written.
        """
        if not self._kept:
            raise ValueError("there is no frame to save; fit with this recorder in callbacks.")
        columns = zip(*self._kept, strict=True)
        parts = zip(_DTYPES.items(), columns, strict=True)
        arrays = {name: np.array(column, dtype) for (name, dtype), column in parts}
        told = {"format": _FORMAT, "version": _VERSION, "frames": self.frames}
        arrays["told"] = np.array(json.dumps(told))
        with files.atomic_write(path) as file:
            files.write_arrays(file, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Recorder":
        """Return the recorder that `save` wrote.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        Recorder
            With the same frames; a fit that goes on from where they end can go on with it.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError
            If it is a folder, or must not be read.
        ValueError
            If the file is damaged, or of another kind or of a later version.
        """
        with files.readable_errors(Path(path), "frames that Recorder.save wrote"):
            told, arrays = files.read_told(Path(path), _FORMAT, _VERSION)
            recorder = cls(told["frames"])
            recorder._kept = _restored(arrays)
        return recorder

    def _keep(self, iteration: int, kl: float, Y: np.ndarray) -> None:
        if not isinstance(Y, np.ndarray) or Y.ndim != 2:
            raise TypeError(
                f"a Recorder keeps maps of shape (N, d), got a {type(Y).__name__}; what "
                "DynamicTSNE makes is a sequence of maps already."
            )
        kept = [f for f in self._kept if f.iteration < iteration and f.frame.shape == Y.shape]
        low, high = Y.min(axis=0), Y.max(axis=0)
        centre = low + (high - low) / 2
        scale = np.float32((high - centre).max() or 1)
        frame = ((Y - centre) / scale).astype(np.float16)
        self._kept = [*kept, _Frame(frame, centre.astype(np.float32), scale, iteration, float(kl))]
        if len(self._kept) > self.frames:
            roots = np.sqrt([frame.iteration for frame in self._kept])
            del self._kept[1 + int((roots[2:] - roots[:-2]).argmin())]


def _restored(arrays: dict[str, Any]) -> list[_Frame]:
    """Return the frames of a file; raise ValueError unless a recorder could have left them."""
    count, *shape = arrays["frames"].shape
    shapes = {"frames": (count, *shape), "centres": (count, *shape[1:])}
    for name, dtype in _DTYPES.items():
        part, expected = arrays[name], shapes.get(name, (count,))
        if part.dtype != dtype or part.shape != expected or len(shape) != 2:
            raise ValueError(f"{name}: {part.dtype} of shape {part.shape}")
        if name != "kl" and not np.isfinite(part).all():
            raise ValueError(f"{name}: NaN or infinity")
    if count < 1 or (np.diff(arrays["iterations"], prepend=-1) <= 0).any():
        raise ValueError(f"iterations {arrays['iterations'].tolist()}")
    columns = [arrays[name] for name in _DTYPES]
    columns[3:] = [column.tolist() for column in columns[3:]]
    return [_Frame(*row) for row in zip(*columns, strict=True)]
