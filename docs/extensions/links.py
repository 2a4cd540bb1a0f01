"""Names of the library in the text → links to the API, in pages and docstrings alike.

Pages stay plain Markdown: `TSNE.fit` between backticks is enough, with or without a call's
brackets. In the API a name is also looked for in the module and class of its page.
"""

import re
from typing import Any

from docutils import nodes

_NAME = re.compile(r"^([A-Za-z_][\w.]*)(\(.*\))?$", re.DOTALL)


def target(objects: Any, text: str, page: str) -> str | None:
    """Return the full name of what a text names, seen from a page, or None."""
    match = _NAME.match(text)
    if not match:
        return None
    name, prefixes = match[1], ["", "bhtsne."]
    if page.startswith("api/"):
        here = page.removeprefix("api/").split(".")
        prefixes += [".".join(here[:k]) + "." for k in range(len(here), 1, -1)]
        prefixes += [".".join(here[:-1]) + ".", f"{here[0]}."]
    elif "." not in name and not name[0].isupper():
        return None  # a bare lower-case word of a page may be anything
    owner = name.rpartition(".")[0]  # an attribute is told of on its class's page
    candidates = [prefix + some for some in (name, owner) if some for prefix in prefixes]
    return next((full for full in candidates if full in objects), None)


def link(app: Any, doctree: Any, page: str) -> None:
    """Make links of a page's names."""
    domain = app.env.domains.python_domain
    for literal in list(doctree.findall(nodes.literal)):
        full = target(domain.objects, literal.astext(), page)
        if full is None or _inside_a_link(literal):
            continue
        entry = domain.objects[full]
        if page == entry.docname and page == f"api/{full}":
            continue
        uri = app.builder.get_relative_uri(page, entry.docname) + "#" + entry.node_id
        literal.replace_self(nodes.reference("", "", literal.deepcopy(), refuri=uri, internal=True))


def _inside_a_link(node: Any) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, nodes.reference | nodes.title):
            return True
    return False


def setup(app: Any) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
