"""MNIST beyond 70,000: its digits under small random rotations, shears, scalings and shifts."""

import numpy as np
from scipy import ndimage

from bhtsne import datasets, initial

_COMPONENTS = 50
_BLOCK = 10_000


def deformed(points: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return points of 50 principal components of MNIST's pixels, and labels.

    The first 70,000 are MNIST itself; fewer are drawn from it. Each further one is a digit drawn at
    random, turned by up to 15°, sheared by up to 0.15, scaled by 0.85 to 1.15 and shifted by up to
    2 pixels.
    """
    data, rng = datasets.mnist(), np.random.default_rng(seed)
    pixels = (data.X / np.float32(255)).astype(np.float32)
    mean = pixels.mean(axis=0)
    base = initial.principal_components(pixels, _COMPONENTS)
    if points <= len(pixels):
        chosen = rng.permutation(len(pixels))[:points]
        return np.ascontiguousarray(base[chosen]), data.y[chosen]
    axes = np.linalg.lstsq(pixels - mean, base, rcond=None)[0].astype(np.float32)
    sources = rng.integers(len(pixels), size=points - len(pixels))
    more = [
        (_deform(pixels[sources[start : start + _BLOCK]], rng) - mean) @ axes
        for start in range(0, len(sources), _BLOCK)
    ]
    return np.vstack([base, *more]), np.concatenate([data.y, data.y[sources]])


def _deform(images: np.ndarray, rng) -> np.ndarray:
    """Return deformed copies of images of 28 × 28 pixels, one a row."""
    n = len(images)
    angle, scale = rng.uniform(-np.pi / 12, np.pi / 12, n), rng.uniform(0.85, 1.15, n)
    shear, shift = rng.uniform(-0.15, 0.15, n), rng.uniform(-2, 2, (n, 2))
    out = np.empty_like(images).reshape(n, 28, 28)
    for k in range(n):
        c, s = np.cos(angle[k]) / scale[k], np.sin(angle[k]) / scale[k]
        matrix = np.array([[c, -s], [s, c]]) @ np.array([[1, shear[k]], [0, 1]])
        offset = 13.5 - matrix @ (13.5 + shift[k])
        ndimage.affine_transform(images[k].reshape(28, 28), matrix, offset, output=out[k], order=1)
    return out.reshape(n, -1)
