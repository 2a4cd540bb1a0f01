"""Typed arrays and thumbnails → the HTML of the page, which never contains user text as code."""

import gzip
import html
import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np

from bhtsne.browser.encoding import Column
from bhtsne.browser.thumbnails import Sheets
from bhtsne.palette import DARK_PALETTE, MISSING, OTHERS, PALETTE, PLAIN

# Separate scripts, in this order. The files in vendor/ are unmodified.
_SCRIPTS = ("vendor/regl.min.js", "vendor/pub-sub-es.js", "vendor/regl-scatterplot.min.js")
_GLUE = ("data.js", "colours.js", "card.js", "touch.js", "screen.js", "map.js")


def page(
    head: dict[str, Any],
    places: list[np.ndarray],
    columns: list[Column],
    ids: Column | None,
    pictures: Sheets | None,
) -> str:
    """Return the page: markup, style, blocks of data, and scripts."""
    style = _read("template/page.css")
    scripts = [_script(name) for name in _SCRIPTS]
    glue = "\n".join(_read(f"template/{name}") for name in _GLUE)
    scripts.append(f'"use strict";\n(() => {{\n{glue}\n}})();')
    blocks = [_block("data", _packed(head, places, columns, ids, pictures))]
    blocks += [_block("sheet", picture) for picture in (pictures.files if pictures else [])]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # The page loads nothing from elsewhere and runs no other scripts. The library compiles the
    # code that calls its shaders with `Function`, which requires unsafe-eval.
    policy = (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    return _read("template/page.html").format(
        title=html.escape(head["title"]),
        policy=html.escape(policy),
        style=style,
        data="\n".join(blocks),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _packed(
    head: dict[str, Any],
    places: list[np.ndarray],
    columns: list[Column],
    ids: Column | None,
    pictures: Sheets | None,
) -> bytes:
    """Return the head as JSON, then the arrays, each aligned to 8 bytes, compressed by gzip."""
    arrays: list[np.ndarray] = []

    def put(array: np.ndarray) -> dict[str, Any]:
        arrays.append(array)
        start = sum(-(-a.nbytes // 8) * 8 for a in arrays[:-1])
        return {"dtype": array.dtype.name, "start": start, "length": array.size}

    def described(column: Column) -> dict[str, Any]:
        return {"name": column.name, "kind": column.kind, "names": column.names} | put(
            column.values
        )

    head = head | {
        "maps": [put(place) for place in places],
        "columns": [described(column) for column in columns],
        "ids": None if ids is None else described(ids),
        "thumbnails": None if pictures is None else pictures._replace(files=[])._asdict(),
        "palette": {"light": PALETTE, "dark": DARK_PALETTE},
        "plain": PLAIN,
        "missing": MISSING,
        "others": OTHERS,
    }
    header = json.dumps(head, ensure_ascii=True).encode()
    header += b" " * (-(len(header) + 4) % 8)
    parts = [len(header).to_bytes(4, "little"), header]
    for array in arrays:
        # typed arrays are little-endian in all browsers
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        parts += [raw, bytes(-len(raw) % 8)]
    return gzip.compress(b"".join(parts), 9, mtime=0)


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
