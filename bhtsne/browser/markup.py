"""Typed arrays and thumbnails → the text of the page, in which no text of a user is ever code."""

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

# Each is a script of its own, in this order. The files in vendor/ are as their authors made them.
_SCRIPTS = ("vendor/regl.min.js", "vendor/pub-sub-es.js", "vendor/regl-scatterplot.min.js")
_GLUE = ("data.js", "colours.js", "card.js", "touch.js", "screen.js", "map.js")


def page(
    head: dict[str, Any],
    places: list[np.ndarray],
    columns: list[Column],
    ids: Column | None,
    pictures: Sheets | None,
) -> str:
    """Return the page: markup, style, one block of data, and the scripts."""
    style = _read("template/page.css")
    scripts = [_script(name) for name in _SCRIPTS]
    glue = "\n".join(_read(f"template/{name}") for name in _GLUE)
    scripts.append(f'"use strict";\n(() => {{\n{glue}\n}})();')
    blocks = [_block("data", _packed(head, places, columns, ids, pictures))]
    blocks += [_block("sheet", picture) for picture in (pictures.files if pictures else [])]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # Nothing is loaded from anywhere, and no script runs but these, whatever else a page may hold.
    # The library compiles its shaders' callers with `Function`, hence unsafe-eval.
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
    """Return the head as JSON and then the arrays, each from a multiple of 8 bytes on, zipped."""
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
    told = json.dumps(head, ensure_ascii=True).encode()
    told += b" " * (-(len(told) + 4) % 8)
    parts = [len(told).to_bytes(4, "little"), told]
    for array in arrays:
        # in the order of bytes that all browsers have
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        parts += [raw, bytes(-len(raw) % 8)]
    return gzip.compress(b"".join(parts), 9, mtime=0)


def _block(kind: str, content: bytes) -> str:
    """Return bytes in letters and digits, in an element that no browser runs or shows."""
    text = b64encode(content).decode()
    return f'<script type="application/octet-stream" class="{kind}">{text}</script>'


def _script(name: str) -> str:
    """Return a library as a script that may stand inside of a page."""
    text = _read(name)
    if name == "vendor/pub-sub-es.js":  # the only one that comes as a module and not as a script
        body, _, exported = text.partition("export {")
        assert "createPubSub" in exported
        text = f"globalThis.createPubSub = (() => {{\n{body}return createPubSub;\n}})();"
    assert "</script" not in text.lower()
    return text


def _read(name: str) -> str:
    return files("bhtsne.browser").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
