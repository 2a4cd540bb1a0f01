"""Markdown pages and docstrings → the site: pages, pictures drawn by the code, and the API.

    python -m sphinx -W --keep-going -b html docs docs/_build/html

The build and the pages fetch nothing: no inventories of other sites, fonts or scripts.
"""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).parent
# Cells run in other processes, which import this checkout as well.
os.environ["PYTHONPATH"] = os.pathsep.join([str(_HERE.parent), os.environ.get("PYTHONPATH", "")])
sys.path[:0] = [str(_HERE / "extensions"), str(_HERE / "draw"), str(_HERE.parent)]

import drawn  # noqa: E402  # from the folders put on the path above
import public  # noqa: E402  # likewise

import bhtsne  # noqa: E402  # likewise, this checkout

project = "bhtsne"
author = "The bhtsne authors"
copyright = f"2026, {author}"
release = version = bhtsne.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    # in docs/extensions
    "command",
    "drawn",
    "formulas",
    "gallery",
    "links",
]
exclude_patterns = ["_build", "extensions", "draw", "templates"]
templates_path = ["templates"]
nitpicky = True
default_role = "code"  # `links` turns names of the library into links

autosummary_context = {"public": public}
suppress_warnings = ["config.cache"]  # of this context, which holds a module
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # the types of numpydoc include shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_use_plots = False
toc_object_entries = False

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"  # runs pages with cells; the notebooks have outputs
nb_execution_excludepatterns = ["gallery/*"]
# The name has a hash of the library: after a change of it all pages are built again.
nb_execution_cache_path = str(_HERE / "_build" / "cells" / drawn.state())
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_output_stderr = "error"
nb_merge_streams = True

html_theme = "furo"
html_title = "bhtsne"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "dark_css_variables": {"color-background-primary": drawn.PAPER["dark"]},
    "light_css_variables": {"color-background-primary": drawn.PAPER["light"]},
}
pygments_style, pygments_dark_style = "friendly", "monokai"
copybutton_exclude = ".linenos, .gp, .go"
