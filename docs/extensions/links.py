"""Names of the library in the text → links to the API, in pages and docstrings alike.

In a page, `TSNE.fit` between backticks becomes a link, with or without parentheses. On a page of
the API, names are also resolved in its module and class.
"""

import re
from typing import Any

from docutils import nodes

_NAME = re.compile(r"^([A-Za-z_][\w.]*)(\(.*\))?$", re.DOTALL)


def target(objects: Any, text: str, page: str) -> str | None:
    """Return the full name of an object that a text on a page names, or None."""
    match = _NAME.match(text)
    if not match:
        return None
    name, prefixes = match[1], ["", "bhtsne."]
    if page.startswith("api/"):
        here = page.removeprefix("api/").split(".")
        prefixes += [".".join(here[:k]) + "." for k in range(len(here), 1, -1)]
        prefixes += [".".join(here[:-1]) + ".", f"{here[0]}."]
    elif "." not in name and not name[0].isupper():
        return None  # a lower-case word on a page is not always a name
    owner = name.rpartition(".")[0]  # attributes are documented on the page of the class
    candidates = [prefix + some for some in (name, owner) if some for prefix in prefixes]
    return next((full for full in candidates if full in objects), None)


def link(app: Any, doctree: Any, page: str) -> None:
    """Replace names on a page by links."""
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
