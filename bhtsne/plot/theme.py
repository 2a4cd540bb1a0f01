"""A theme, or the background of axes → the colours of text, lines and panes on it."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba

from bhtsne.plot.colours import DARK_PALETTE, PALETTE


class Theme(NamedTuple):
    """Colours of backgrounds, text and lines."""

    background: str
    ink: str
    pane: str  # of 3-D axes
    line: str


THEMES = {
    "light": Theme("#ffffff", "#000000", "#f6f6f6", "#dddddd"),
    "dark": Theme("#121417", "#e8e8e8", "#1b1e22", "#3a3e44"),
}
_READABLE = 4.5  # minimum contrast of text in the Web Content Accessibility Guidelines 2.2


def check_theme(theme: Any) -> None:
    """Raise ValueError for an unknown theme."""
    if theme is not None and theme not in THEMES:
        raise ValueError(f"theme must be 'light', 'dark' or None, got {theme!r}.")


def luminance(colour: Any) -> float:
    """Return the relative luminance of a colour, 0 for black and 1 for white (WCAG 2.2)."""
    return float(linear_light(np.array(to_rgb(colour))) @ [0.2126, 0.7152, 0.0722])


def linear_light(rgb: np.ndarray) -> np.ndarray:
    """Return colours in sRGB as linear light (IEC 61966-2-1)."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: Any, other: Any) -> float:
    """Return the contrast of two colours, from 1 to 21 for black and white (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def background(ax: Any = None, theme: str | None = None) -> str:
    """Return the background colour of a theme, of given axes, or of new axes by rcParams."""
    if theme is not None:
        return THEMES[theme].background
    if ax is None:
        layers = [rcParams["axes.facecolor"], rcParams["figure.facecolor"]]
    else:
        layers = [ax.get_facecolor()] if ax.patch.get_visible() else []
        layers += [ax.figure.get_facecolor(), ax.figure.figure.get_facecolor()]
    mixed = np.ones(3)
    for layer in layers[::-1]:
        *rgb, alpha = to_rgba(layer)
        mixed = alpha * np.array(rgb) + (1 - alpha) * mixed
    return to_hex((mixed[0], mixed[1], mixed[2]))


def matching_theme(ax: Any = None, theme: str | None = None) -> str:
    """Return the name of the theme whose text has the higher contrast to the background."""
    behind = background(ax, theme)
    return max(THEMES, key=lambda name: contrast(THEMES[name].ink, behind))


def ink(ax: Any) -> str:
    """Return the text colour for axes: that of rcParams if readable, otherwise that of a theme."""
    own = to_hex(rcParams["text.color"])
    readable = contrast(own, background(ax)) >= _READABLE
    return own if readable else THEMES[matching_theme(ax)].ink


def apply_theme(ax: Any, theme: str | None) -> None:
    """Set the background of axes and figure to a theme, and their text to a readable colour."""
    if theme is not None:
        ax.figure.set_facecolor(THEMES[theme].background)
        ax.set_facecolor(THEMES[theme].background)
    colour = ink(ax)
    if theme is None and colour == to_hex(rcParams["text.color"]):
        return  # keep the colours that the user may have set
    ax.tick_params(colors=colour, which="both")
    names = ("xaxis", "yaxis", "zaxis")
    axis_names = [getattr(ax, name).label for name in names if hasattr(ax, name)]
    for text in (ax.title, *axis_names):
        text.set_color(colour)
    ax.spines[:].set_edgecolor(colour)


def themed_axes(
    ax: Axes | None, theme: str | None, size: tuple, projection: str | None = None
) -> Any:
    """Return the given axes, or those of a new pyplot figure of a size in inches, in a theme."""
    check_theme(theme)
    axes: Any = ax
    if axes is None:
        from matplotlib import pyplot as plt  # slow to import, and unused when files are written

        figure = plt.figure(figsize=size, layout="constrained")
        axes = figure.add_subplot(projection=projection)
    apply_theme(axes, theme)
    return axes


def palette_colours(ax: Any, count: int) -> list[str]:
    """Return the first colours of the palette for the background of axes, repeated after 40."""
    palette = DARK_PALETTE if matching_theme(ax) == "dark" else PALETTE
    return [palette[i % len(palette)] for i in range(count)]


def add_legend(
    owner: Any,
    ax: Any,
    handles: Any,
    names: Any,
    title: str | None = None,
    make: Any = None,
    **place,
):
    """Add a legend to axes or to their figure, in the text colour of the axes.

    `make(owner, handles, names)` creates a legend in addition to the existing one.
    """
    title = title or None
    # Nearly opaque, so that lines behind the legend do not cross its names.
    frame: dict = {"facecolor": background(ax), "edgecolor": "none", "framealpha": 0.9}
    style: dict = {**frame, "labelcolor": ink(ax), "title": title}
    blank = [" "] * len(names)
    made = make(owner, handles, blank, **style, **place) if make else None
    legend = made or owner.legend(handles, blank, **style, **place)
    # Names are set afterwards, since matplotlib omits entries that start with an underscore.
    for entry, name in zip(legend.get_texts(), names, strict=True):
        entry.set(text=name, parse_math=False)
    legend.get_title().set(color=ink(ax), parse_math=False)
    return legend
