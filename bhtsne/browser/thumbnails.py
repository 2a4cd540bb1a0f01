"""Images → sheets of thumbnails as WebP files, in the order of the points."""

import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

_LARGEST = 64  # maximum number of pixels of the longer side of a thumbnail
_EDGE = 2048  # pixels per side of a sheet, which is decoded on first use
_QUALITY = 60  # of WebP; handwritten digits take fewer bytes than at 80 or as PNG


class Sheets(NamedTuple):
    """Thumbnails of one size, in rows on each sheet."""

    width: int  # of a thumbnail in pixels
    height: int
    across: int  # thumbnails in a row
    down: int  # rows in a sheet
    files: list[bytes]  # WebP


def sheets(images: Any, n: int) -> Sheets:
    """Return the thumbnails of n images."""
    images = np.asarray(images)
    if images.ndim not in (3, 4) or len(images) != n or images.shape[3:] not in ((), (1,), (3,)):
        raise ValueError(
            f"images must have the shape ({n}, h, w), ({n}, h, w, 1) or ({n}, h, w, 3), got "
            f"{images.shape}."
        )
    if 0 in images.shape or images.dtype.kind not in "biuf":
        raise ValueError(f"images must be numbers, got {images.dtype} of shape {images.shape}.")
    if images.shape[3:] == (1,):
        images = images[..., 0]
    low, high = _range(images)
    height, width = _fitted(images.shape[1:3])
    across, down = max(1, _EDGE // width), max(1, _EDGE // height)
    files = []
    for start in range(0, n, across * down):
        part = images[start : start + across * down]
        files.append(_sheet([_thumbnail(x, low, high, (width, height)) for x in part], across))
    return Sheets(width, height, across, down, files)


def _range(images: np.ndarray) -> tuple[float, float]:
    """Return the values of black and white."""
    if images.dtype == np.uint8:
        return 0, 255
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("images must be finite, got NaN or infinity.")
    if images.dtype.kind in "fb" and low >= 0 and high <= 1:
        return 0, 1
    return low, max(high, low + 1e-30)


def _fitted(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the height and width of a thumbnail."""
    height, width = shape
    scale = min(1.0, _LARGEST / max(shape))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _thumbnail(image: np.ndarray, low: float, high: float, size: tuple[int, int]) -> np.ndarray:
    if image.dtype != np.uint8:
        image = np.rint((image.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
    if image.shape[1::-1] == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _sheet(thumbnails: list[np.ndarray], across: int) -> bytes:
    """Return a WebP file with the thumbnails in rows, the last row padded with black."""
    rows = -(-len(thumbnails) // across)
    height, width, *colours = thumbnails[0].shape
    whole = np.zeros((rows * across, height, width, *colours), np.uint8)
    whole[: len(thumbnails)] = thumbnails
    whole = whole.reshape(rows, across, height, width, *colours).swapaxes(1, 2)
    file = io.BytesIO()
    picture = Image.fromarray(whole.reshape(rows * height, across * width, *colours))
    picture.save(file, "webp", quality=_QUALITY, method=4)
    return file.getvalue()
