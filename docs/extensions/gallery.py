"""notebooks/*.ipynb → pages with their outputs, thumbnails, and the directive `gallery`: a grid.

The notebooks are outside of docs/; they are copied before Sphinx reads its sources.
"""

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from sphinx.util.docutils import SphinxDirective

_NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# Index of the picture of the card; 0 for a notebook without an entry.
_PICTURE = {
    "01_from_sne_to_tsne": 4, "02_exact_versus_barnes_hut": 7, "03_a_hundred_thousand_points": 3,
    "04_hidden_layers_over_epochs": 7, "05_perplexity_learning_rate_iterations": 0,
    "06_new_points": 1, "07_beyond_memory": 0,
}  # fmt: skip


def pictures(path: Path) -> list[bytes]:
    """Return the pictures of a notebook, PNG."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [o for cell in cells for o in cell.get("outputs", [])]
    found = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return [base64.b64decode("".join(data)) for data in found]


def opening(path: Path) -> tuple[str, str]:
    """Return the title of a notebook and its first paragraph."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title, text = re.match(r"# (.+?)\n\n(.+?)\n\n", "".join(cells[0]["source"]), re.DOTALL).groups()
    return title, " ".join(text.split())


def copy(app: Any) -> None:
    """Copy the notebooks, and their thumbnails, to docs/gallery."""
    folder = Path(app.srcdir) / "gallery"
    folder.mkdir(exist_ok=True)
    for path in sorted(_NOTEBOOKS.glob("*.ipynb")):
        target = folder / path.name
        if target.exists() and target.stat().st_mtime >= path.stat().st_mtime:
            continue
        shutil.copy(path, target)
        found = pictures(path)
        image = Image.open(io.BytesIO(found[_PICTURE.get(path.stem, 0)])).convert("RGB")
        image.thumbnail((720, 480))
        image.save(folder / f"{path.stem}.png")


class Gallery(SphinxDirective):
    """A card for each notebook."""

    def run(self) -> list:
        """Return the grid."""
        lines = ["::::{grid} 1 2 2 3", ":gutter: 3", ""]
        for path in sorted(_NOTEBOOKS.glob("*.ipynb")):
            title, text = opening(path)
            lines += [
                f":::{{grid-item-card}} {title}", f":img-top: gallery/{path.stem}.png",
                f":link: gallery/{path.stem}", ":link-type: doc", ":class-card: notebook", "",
                text, ":::",
            ]  # fmt: skip
        return self.parse_text_to_nodes("\n".join([*lines, "::::"]))


def setup(app: Any) -> dict:
    """Register with Sphinx."""
    app.connect("builder-inited", copy)
    app.add_directive("gallery", Gallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
