"""Images → sheets of thumbnails as WebP files, in the order of the points."""

import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

_LARGEST = 64  # maximum number of pixels of the longer side of a thumbnail
_EDGE = 2048  # pixels per side of a sheet, which is decoded on first use
_QUALITY = 60  # of WebP; handwritten digits take fewer bytes than at 80 or as PNG


class Layout(NamedTuple):
    """Place of the thumbnails on their sheets, in pixels and numbers of thumbnails."""

    width: int
    height: int
    across: int  # thumbnails in a row
    down: int  # rows in a sheet


class Pictures:
    """Images of points, as sheets of thumbnails of one size that are made when they are asked for.

    Parameters
    ----------
    images : array-like
        As in `bhtsne.browser.write`.
    n : int
        Number of points.

    Attributes
    ----------
    layout : Layout
        Place of the thumbnails.
    """

    def __init__(self, images: Any, n: int) -> None:
        images = np.asarray(images)
        if (
            images.ndim not in (3, 4)
            or len(images) != n
            or images.shape[3:] not in ((), (1,), (3,))
        ):
            raise ValueError(
                f"images must have the shape ({n}, h, w), ({n}, h, w, 1) or ({n}, h, w, 3), got "
                f"{images.shape}."
            )
        if 0 in images.shape or images.dtype.kind not in "biuf":
            raise ValueError(f"images must be numbers, got {images.dtype} of shape {images.shape}.")
        self._images = images[..., 0] if images.shape[3:] == (1,) else images
        self._range = _range(images)
        height, width = _fitted(images.shape[1:3])
        self.layout = Layout(width, height, max(1, _EDGE // width), max(1, _EDGE // height))

    def __len__(self) -> int:
        """Return the number of sheets."""
        return -(-len(self._images) // (self.layout.across * self.layout.down))

    def sheet(self, k: int) -> bytes:
        """Return sheet k as a WebP file."""
        size = self.layout.across * self.layout.down
        part, box = self._images[k * size : (k + 1) * size], self.layout[:2]
        return _sheet([_thumbnail(x, *self._range, box) for x in part], self.layout.across)


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
