"""Maps of a run → `Recorder`: a given number of frames, in half the memory, and a file of them."""

import os
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from bhtsne import storage
from bhtsne.optimizer import Record, State
from bhtsne.storage import Format

__all__ = ["FORMAT", "Recorder"]

FORMAT = Format("bhtsne.Recorder", 2, "frames that Recorder.save wrote")
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
    """A callback that records maps of a run, for `plot.animate`.

    It records the initial map, then the map at each call, every `callback_every` iterations. When
    there are more frames than `frames`, one is dropped: that whose two neighbours differ least in
    the square root of the iteration. The frames are therefore evenly spaced in that root for any
    number of iterations, and densest at the start, where a map changes most.

    A frame takes N · d · 2 bytes. It is stored in float16 with a scale and a centre of its own, so
    that its error is at most 1/4096 of the width of the map.

    Parameters
    ----------
    frames : int, default 100
        Largest number of frames, at least 2.

    Attributes
    ----------
    maps : list of ndarray of float32, shape (N, d)
        The maps, in the order of the iterations, converted from float16 at each access.
    iterations : list of int
        Number of iterations before each map, 0 for the initial one.
    kl : list of float
        KL divergence of each map in nats; NaN for the initial one, where it is not computed.

    Notes
    -----
    `fit` starts a new recording. `TSNE.optimize`, and a fit that continues from its checkpoint,
    continue the recording: frames after the iteration at which they start are replaced.

    Examples
    --------
    >>> from bhtsne import Recorder, TSNE, datasets
    >>> X = datasets.digits().X[:300]
    >>> run = Recorder(frames=10)
    >>> Y = TSNE(random_state=0, n_iter=100, callbacks=[run], callback_every=10).fit_transform(X)
    >>> run.iterations
    [0, 10, 20, 40, 60, 80, 100, 130, 170, 220]
    >>> bool(abs(run.maps[-1] - Y).max() < abs(Y).max() / 2000)
    True
    """

    def __init__(self, frames: int = 100) -> None:
        whole = isinstance(frames, Integral) and not isinstance(frames, bool)
        if not whole or frames < 2:
            raise ValueError(f"frames must be a whole number of at least 2, got {frames!r}.")
        self.frames = int(frames)
        self._frames: list[_Frame] = []

    def begin(self, state: State) -> None:
        """Record the map at which a run starts, and drop the frames of later iterations.

        Parameters
        ----------
        state : State
            State of the optimizer.
        """
        self._frames = [frame for frame in self._frames if frame.iteration <= state.iteration]
        known = [record.kl for record in state.history if record.iteration == state.iteration]
        if state.iteration == 0 or state.iteration not in self.iterations:
            self._add(state.iteration, known[-1] if known else np.nan, state.Y)

    def __call__(self, record: Record, Y: np.ndarray) -> None:
        """Record a map."""
        self._add(record.iteration, record.kl, Y)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    @property
    def maps(self) -> list[np.ndarray]:
        """Return the maps, converted from float16."""
        return [f.centre + f.scale * f.frame.astype(np.float32) for f in self._frames]

    @property
    def iterations(self) -> list[int]:
        """Return the number of iterations before each map."""
        return [frame.iteration for frame in self._frames]

    @property
    def kl(self) -> list[float]:
        """Return the divergence of each map."""
        return [frame.kl for frame in self._frames]

    def save(self, path: str | os.PathLike) -> None:
        """Write the frames to a file, an .npz of arrays.

        Parameters
        ----------
        path : str or path
            A file. An earlier one is replaced only when this one is complete.

        Raises
        ------
        ValueError
            If nothing has been recorded.
        OSError
            If the file cannot be written.
        """
        if not self._frames:
            raise ValueError("there is no frame to save; fit with this recorder in callbacks.")
        columns = zip(_DTYPES.items(), zip(*self._frames, strict=True), strict=True)
        arrays = {name: np.array(column, dtype) for (name, dtype), column in columns}
        storage.save(path, FORMAT, {"limit": self.frames, **arrays})

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
            A recorder with the same frames. A fit that continues the run can continue with it.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError
            If the file is a folder, or may not be read.
        ValueError
            If the file is damaged, or of another format or version.
        """
        content = storage.load(path, FORMAT)
        with storage.archive.errors(path, FORMAT):
            recorder = cls(content["limit"])
            recorder._frames = _restored(content)
        return recorder

    def _add(self, iteration: int, kl: float, Y: np.ndarray) -> None:
        if not isinstance(Y, np.ndarray) or Y.ndim != 2:
            raise TypeError(
                f"a Recorder takes maps of shape (N, d), got a {type(Y).__name__}; the result of "
                "DynamicTSNE is a sequence of maps already."
            )
        earlier = [f for f in self._frames if f.iteration < iteration and f.frame.shape == Y.shape]
        low, high = Y.min(axis=0), Y.max(axis=0)
        centre = low + (high - low) / 2
        scale = np.float32((high - centre).max() or 1)
        frame = ((Y - centre) / scale).astype(np.float16)
        last = _Frame(frame, centre.astype(np.float32), scale, iteration, float(kl))
        self._frames = [*earlier, last]
        if len(self._frames) > self.frames:
            roots = np.sqrt([frame.iteration for frame in self._frames])
            del self._frames[1 + int((roots[2:] - roots[:-2]).argmin())]


def _restored(arrays: dict[str, Any]) -> list[_Frame]:
    """Return the frames of a file; ValueError if no recorder can have written them."""
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
