"""Images → a video file, a GIF by Pillow or an MP4 by ffmpeg."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image


def check_ffmpeg() -> str:
    """Return the path of ffmpeg, or raise ValueError."""
    path = shutil.which("ffmpeg")
    if path is None:
        raise ValueError(
            "an .mp4 needs ffmpeg, which is not on the PATH; install it, or write a .gif."
        )
    return path


def write_mp4(
    file: Any, pictures: Iterator[np.ndarray], durations: list[float], fps: float
) -> None:
    """Write images, uint8 of shape (height, width, 3), with durations in seconds, as H.264."""
    first = next(pictures)
    height, width = first.shape[0] & ~1, first.shape[1] & ~1  # the format needs even sizes
    shape = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps}"]
    codec = [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "18",
        "-pix_fmt",
        "yuv420p",
        "-movflags",
        "+faststart",
    ]
    command = [check_ffmpeg(), "-v", "error", "-y", *shape, "-i", "-", "-an", *codec, "-f", "mp4"]
    pipes: dict = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, file.name], **pipes) as process:
        picture, pipe = first, process.stdin
        assert pipe is not None
        try:
            for seconds in durations:
                frame = np.ascontiguousarray(picture[:height, :width]).data
                for _ in range(max(1, round(seconds * fps))):
                    pipe.write(frame)
                picture = next(pictures, picture)
        except BrokenPipeError:
            pass  # ffmpeg has failed, and its message is raised below
        except BaseException:
            process.kill()
            raise
        _, message = process.communicate()
    if process.returncode:
        lines = message.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise RuntimeError(f"ffmpeg could not write {file.name}; it says: {lines[-1]}")


def write_gif(
    file: Any, pictures: Iterator[np.ndarray], durations: list[float], colours: np.ndarray
) -> None:
    """Write images, uint8 of shape (height, width, 3), with points of given colours."""
    palette, nearest = _palette(colours)

    def images() -> Iterator[Image.Image]:
        for picture in pictures:
            red, green, blue = np.moveaxis(picture >> 3, -1, 0)
            image = Image.fromarray(nearest[red * np.int32(1024) + green * np.int32(32) + blue])
            image.putpalette(palette)
            yield image

    each = images()
    first = next(each)
    times = [round(1000 * seconds) for seconds in durations]
    options: dict = {"save_all": True, "append_images": each, "loop": 0}
    first.save(file, "GIF", duration=times, **options)


def _palette(colours: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return shades from white to each colour, and the nearest shade to each of 32³ colours.

    One palette for all frames avoids flicker. The palette search of Pillow would replace white by
    a nearly white shade.
    """
    colours = np.unique(colours.reshape(-1, 3).astype(np.float64).round(3), axis=0)
    colours = colours[np.argsort(colours.sum(axis=1))]
    colours = colours[np.linspace(0, len(colours) - 1, min(len(colours), 41)).round().astype(int)]
    greys = np.linspace(0, 1, 16)[:, None].repeat(3, axis=1)
    # At most 255 shades: the writer uses one index for pixels that a frame does not change.
    strength = np.linspace(1, 0, min(32, (255 - len(greys)) // len(colours)), endpoint=False)
    shades = 1 - np.multiply.outer(strength, 1 - colours).reshape(-1, 3)
    shades = np.concatenate([greys, shades])
    cube = np.indices((32, 32, 32)).reshape(3, -1).T / 31
    nearest = ((shades**2).sum(axis=1) - 2 * cube @ shades.T).argmin(axis=1)
    return np.rint(255 * shades).astype(np.uint8).tobytes(), nearest.astype(np.uint8)
