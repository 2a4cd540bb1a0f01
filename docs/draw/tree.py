"""Arrays of `bhtsne.tree` and `bhtsne.forces` → pictures of the tree and its traversals."""

from functools import cache

import numpy as np
from maps import digits
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from bhtsne import forces, tree
from bhtsne.forces import packed
from bhtsne.forces.walk import Target, sort_cells
from bhtsne.plot import PALETTE

_ORANGE, _BLUE, _GREEN = PALETTE[1], PALETTE[5], PALETTE[2]
_KINDS = {"smooth cells": _GREEN, "far cells": _BLUE, "near points": _ORANGE}


@cache
def _few() -> np.ndarray:
    """Return the map of 240 digits, few enough to follow a curve through them."""
    _, _, model = digits()
    rows = np.random.default_rng(1).choice(len(model.embedding_), 240, replace=False)
    return model.embedding_[rows]


def _squares(built: tree.Tree, cells) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower left corners and the sides of cells."""
    low = built.points.min(axis=1)
    width = np.maximum(built.width[cells], np.float32(1e-6))
    place = (built.points[:, built.start[cells]] - low[:, None]) / width
    return (low[:, None] + np.floor(place + 1e-6) * width).T, width


def _add_squares(ax, built, cells, colours, fill=0.0, **style) -> None:
    corners, sides = _squares(built, np.asarray(cells, int))
    patches = [Rectangle(c, s, s) for c, s in zip(corners, sides, strict=True)]
    face = np.array(
        [(*colour[:3], fill) for colour in plt.matplotlib.colors.to_rgba_array(colours)]
    )
    ax.add_collection(PatchCollection(patches, facecolor=face, edgecolor=colours, **style))


def _axes(columns: int, titles: list[str], height: float = 4.2):
    figure, axes = plt.subplots(1, columns, figsize=(4.4 * columns, height), squeeze=False)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set(xticks=[], yticks=[], aspect="equal", title=title)
        ax.spines[:].set_visible(False)
    return figure, axes[0]


def _ink() -> str:
    return plt.rcParams["text.color"]


def depths(built: tree.Tree) -> np.ndarray:
    """Return the depth of each cell."""
    depth = np.zeros(len(built.skip), int)
    for cell in range(len(built.skip)):
        child = cell + 1
        while child < built.skip[cell]:
            depth[child] = depth[cell] + 1
            child = built.skip[child]
    return depth


def morton():
    """Draw the curve through the points, the cells, and the groups."""
    built = tree.build(_few(), leaf_size=6, group_size=24)
    x, y = built.points
    titles = ["Morton order", "cells of at most 6 points", "groups of at most 24 points"]
    figure, (order, cells, groups) = _axes(3, titles, 4.5)
    hue = colormaps["turbo"](np.linspace(0.05, 0.95, len(x)))
    for i in range(len(x) - 1):
        order.plot(x[i : i + 2], y[i : i + 2], color=hue[i], lw=1.1)
    order.scatter(x, y, c=hue, s=9, zorder=2)
    depth = depths(built)
    shade = colormaps["viridis"](np.linspace(0.85, 0.25, depth.max() + 1))
    for level in range(depth.max() + 1):
        _add_squares(cells, built, np.flatnonzero(depth == level), [shade[level]],
                     lw=max(0.6, 2.2 - 0.35 * level), zorder=-level)  # fmt: skip
    cells.scatter(x, y, c=_ink(), s=4)
    for number, group in enumerate(built.groups):
        here = slice(built.start[group], built.stop[group])
        colour = PALETTE[number % 10]
        groups.scatter(x[here], y[here], c=colour, s=9)
        _add_squares(groups, built, [group], [colour], 0.15, lw=1)
    for ax in (order, cells, groups):
        ax.set(xlim=cells.get_xlim(), ylim=cells.get_ylim())
        ax.autoscale_view()
    return figure


def _walk(built: tree.Tree, theta: float, box: np.ndarray, many: bool) -> list[np.ndarray]:
    """Return the smooth cells, the far cells and the leaves of a traversal."""
    cells = packed.pack(built, 1.0).cells
    lists = np.empty((4, len(cells.links)), np.int32)
    target = Target(-1, len(built.order) if many else -1, 0, box)
    counts = sort_cells(target, cells, np.float32(theta**2), lists)
    return [lists[1 + k, :n].copy() for k, n in enumerate(counts)]


def _draw_walk(ax, built, chosen, mine) -> str:
    """Draw the result of a traversal; return its counts."""
    x, y = built.points
    ax.scatter(x, y, c=_ink(), s=1.2, alpha=0.5, lw=0)
    for cells, colour in zip(chosen, _KINDS.values(), strict=True):
        if len(cells):
            _add_squares(ax, built, cells, [colour], 0.18, lw=0.8)
    smooth, far, leaves = chosen
    for cells, colour in ((smooth, _GREEN), (far, _BLUE)):
        ax.scatter(*built.center[:, cells], c=colour, s=9, lw=0)
    near = sum(int(built.stop[leaf] - built.start[leaf]) for leaf in leaves)
    ax.scatter(*mine, c="#e0203a", s=26 if mine.ndim == 1 else 3, zorder=3, lw=0)
    parts = [f"{len(smooth)} smooth"] * bool(len(smooth))
    return ", ".join([*parts, f"{len(far)} far cells", f"{near} near points"])


def _legend(figure, kinds) -> None:
    handles = [Rectangle((0, 0), 1, 1, fc=(*plt.matplotlib.colors.to_rgb(c), 0.25), ec=c)
               for c in kinds.values()]  # fmt: skip
    figure.legend(handles, kinds, loc="outside lower center", ncols=len(kinds))


def walk_of_a_point():
    """Draw the cells that represent their points for one point, at two θ."""
    _, _, model = digits()
    built = tree.build(model.embedding_, leaf_size=4)
    here = np.argmin(
        np.linalg.norm(built.points - built.points.mean(axis=1)[:, None] * 0.5, axis=0)
    )
    point = built.points[:, here]
    box = np.zeros((3, 2), np.float32)
    box[:2, 0] = point
    figure, axes = _axes(2, ["", ""], 4.9)
    for ax, theta in zip(axes, (0.5, 0.8), strict=True):
        chosen = _walk(built, theta, box, many=False)
        ax.set_title(f"θ = {theta}: {_draw_walk(ax, built, chosen, point)}")
    _legend(figure, {name: _KINDS[name] for name in ("far cells", "near points")})
    return figure


def walk_of_a_group():
    """Draw the traversal that the points of a group share, at two θ."""
    _, _, model = digits()
    built = tree.build(model.embedding_)
    boxes = _boxes(built)
    sizes = built.stop[built.groups] - built.start[built.groups]
    middle = np.abs(built.center[:, built.groups]).max(axis=0)
    chosen_group = int(np.argmin(np.where(sizes > 60, middle, np.inf)))
    group = built.groups[chosen_group]
    mine = built.points[:, built.start[group] : built.stop[group]]
    figure, axes = _axes(2, ["", ""], 4.9)
    for ax, theta in zip(axes, (0.5, 0.8), strict=True):
        chosen = _walk(built, theta, boxes[chosen_group], many=True)
        ax.set_title(f"θ = {theta}: {_draw_walk(ax, built, chosen, mine)}")
    _legend(figure, _KINDS)
    return figure


def _boxes(built: tree.Tree) -> np.ndarray:
    """Return the middle and the half width of each group's box on three axes."""
    boxes = np.zeros((len(built.groups), 3, 2), np.float32)
    for box, group in zip(boxes, built.groups, strict=True):
        points = built.points[:, built.start[group] : built.stop[group]]
        low, high = points.min(axis=1), points.max(axis=1)
        box[: len(points)] = np.stack([low + high, high - low], axis=1) / 2
    return boxes


@cache
def _errors() -> tuple[np.ndarray, list[float], list[float]]:
    _, _, model = digits()
    Y = model.embedding_
    exact = forces.repulsion(Y, method="exact")
    oracle = exact.force / exact.z
    thetas = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5])
    errors, sums = [], []
    built = tree.build(Y)
    boxes = _boxes(built)
    sizes = built.stop[built.groups] - built.start[built.groups]
    for theta in thetas:
        fast = forces.repulsion(Y, theta=theta)
        errors.append(float(np.linalg.norm(fast.force / fast.z - oracle) / np.linalg.norm(oracle)))
        terms = 0
        for box, size in zip(boxes, sizes, strict=True):
            smooth, far, leaves = _walk(built, theta, box, many=bool(size > 16))
            near = int((built.stop[leaves] - built.start[leaves]).sum())
            terms += size * (len(far) + near) + 16 * len(smooth)
        sums.append(terms / len(Y))
    return thetas, errors, sums


def error():
    """Draw the error of the repulsion, and the number of terms of a point, against θ."""
    thetas, errors, sums = _errors()
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.2))
    left.loglog(thetas, errors, "o-", c=_BLUE, ms=4)
    left.set(xlabel="θ", ylabel="relative RMS error of F / Z", title="what θ costs in accuracy")
    right.semilogx(thetas, sums, "o-", c=_ORANGE, ms=4)
    n = len(digits()[0])
    right.axhline(n - 1, c=_ink(), lw=0.8, ls=":")
    right.annotate(
        "all pairs", (thetas[-1], n - 1), (0, -12), textcoords="offset points", ha="right"
    )
    right.set(
        xlabel="θ", ylabel="terms in a point's sum", title="and what it saves", ylim=(0, None)
    )
    for ax in (left, right):
        ax.axvline(0.5, c=_ink(), lw=0.6, alpha=0.4)
        ax.set_xticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
        ax.xaxis.set_minor_formatter(plt.matplotlib.ticker.NullFormatter())
    return figure


def kernels():
    """Draw the kernel for some degrees of freedom beside the Gaussian."""
    figure, ax = plt.subplots(figsize=(6.6, 3))
    d = np.linspace(0, 5, 200)
    ax.plot(d, np.exp(-(d**2) / 2), c=_ink(), ls=":", label="Gaussian")
    for dof, colour in ((0.5, PALETTE[3]), (1, PALETTE[0]), (3, PALETTE[2])):
        name = f"dof {dof:g}" + (", t-SNE" if dof == 1 else "")
        ax.plot(d, (1 + d**2 / dof) ** (-(dof + 1) / 2), c=colour, label=name)
    ax.set(xlabel="distance in the map", ylabel="w", ylim=(0, 1.02), xlim=(0, 5))
    ax.legend()
    return figure
