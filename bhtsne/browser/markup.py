"""Typed arrays and thumbnails → the HTML of the page, which never contains user text as code."""

import gzip
import html
import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from bhtsne.browser.encoding import Column
from bhtsne.browser.neighborhoods import Neighborhoods
from bhtsne.browser.thumbnails import Pictures
from bhtsne.palette import DARK_PALETTE, MISSING, OTHERS, PALETTE, PLAIN

# Separate scripts, in this order. The files in vendor/ are unmodified.
_SCRIPTS = ("vendor/regl.min.js", "vendor/pub-sub-es.js", "vendor/regl-scatterplot.min.js")
_GLUE = (
    "data.js", "colours.js", "card.js", "neighbors.js", "groups.js", "touch.js", "screen.js",
    "live.js", "map.js",
)  # fmt: skip


class Content(NamedTuple):
    """Data of a page.

    Attributes
    ----------
    head : dict
        Title, number of points, titles of the maps, and index of the column of labels.
    maps : list of ndarray of uint16, shape (2, N)
        Coordinates.
    columns : list of Column
        Values of the points.
    ids : Column or None
        Identifiers of the points.
    pictures : Pictures or None
        Images of the points.
    near : Neighborhoods or None
        Neighbours of the points in the data.
    """

    head: dict[str, Any]
    maps: list[np.ndarray]
    columns: list[Column]
    ids: Column | None = None
    pictures: Pictures | None = None
    near: Neighborhoods | None = None


class Arrays:
    """Arrays of a message, and their descriptions in its head."""

    def __init__(self) -> None:
        self.all: list[np.ndarray] = []
        self._end = 0

    def put(self, array: np.ndarray) -> dict[str, Any]:
        """Add an array, and return its description."""
        start, self._end = self._end, self._end - (-array.nbytes // 8) * 8
        self.all.append(array)
        return {"dtype": array.dtype.name, "start": start, "length": array.size}


def page(content: Content, socket: str | None = None) -> str:
    """Return the page: markup, style, blocks of data, and scripts.

    Parameters
    ----------
    content : Content
        The data.
    socket : str or None
        Address of the WebSocket that sends the maps of a run. The page then asks for the images
        when it shows them, at ``sheet/k`` beside its own address, and does not hold them.
    """
    style = _read("template/page.css")
    scripts = [_script(name) for name in _SCRIPTS]
    glue = "\n".join(_read(f"template/{name}") for name in _GLUE)
    scripts.append(f'"use strict";\n(() => {{\n{glue}\n}})();')
    pictures = content.pictures
    blocks = [_block("data", _packed(content, socket))]
    if pictures is not None and socket is None:
        blocks += [_block("sheet", pictures.sheet(k)) for k in range(len(pictures))]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # The page loads nothing from elsewhere and runs no other scripts. The library compiles the
    # code that calls its shaders with `Function`, which requires unsafe-eval.
    policy = (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    if socket is not None:
        policy = policy.replace("img-src", "img-src 'self'") + f"; connect-src {socket}"
    return _read("template/page.html").format(
        title=html.escape(content.head["title"]),
        policy=html.escape(policy),
        style=style,
        data="\n".join(blocks),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _packed(content: Content, socket: str | None) -> bytes:
    """Return the data as a message, compressed by gzip."""
    arrays = Arrays()
    put = arrays.put

    def described(column: Column) -> dict[str, Any]:
        return {"name": column.name, "kind": column.kind, "names": column.names} | put(
            column.values
        )

    ids, pictures, near = content.ids, content.pictures, content.near
    head = content.head | {
        "maps": [put(place) for place in content.maps],
        "columns": [described(column) for column in content.columns],
        "ids": None if ids is None else described(ids),
        "thumbnails": None if pictures is None else pictures.layout._asdict(),
        "near": None if near is None else packed_neighborhoods(near, put),
        "socket": socket,
        "palette": {"light": PALETTE, "dark": DARK_PALETTE},
        "plain": PLAIN,
        "missing": MISSING,
        "others": OTHERS,
    }
    return gzip.compress(message(head, arrays), 9, mtime=0)


def packed_neighborhoods(near: Neighborhoods, put: Callable[[np.ndarray], Any]) -> dict[str, Any]:
    """Return neighbours as JSON; `put` stores an array and returns its description."""
    planes, kept = ([put(array) for array in arrays] for arrays in (near.planes, near.kept))
    return {"k": near.k, "planes": planes, "kept": kept}


def message(head: dict[str, Any], arrays: Arrays) -> bytes:
    """Return the length of the head, the head as JSON, and the arrays, each aligned to 8 bytes."""
    header = json.dumps(head, ensure_ascii=True).encode()
    header += b" " * (-(len(header) + 4) % 8)
    parts = [len(header).to_bytes(4, "little"), header]
    for array in arrays.all:
        # typed arrays are little-endian in all browsers
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        parts += [raw, bytes(-len(raw) % 8)]
    return b"".join(parts)


def _block(kind: str, content: bytes) -> str:
    """Return bytes in base64, in an element that browsers neither run nor display."""
    text = b64encode(content).decode()
    return f'<script type="application/octet-stream" class="{kind}">{text}</script>'


def _script(name: str) -> str:
    """Return a library as a script for inclusion in the page."""
    text = _read(name)
    if name == "vendor/pub-sub-es.js":  # the only library that is a module
        body, _, exported = text.partition("export {")
        assert "createPubSub" in exported
        text = f"globalThis.createPubSub = (() => {{\n{body}return createPubSub;\n}})();"
    assert "</script" not in text.lower()
    return text


def _read(name: str) -> str:
    return files("bhtsne.browser").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
