"""Parsers of `bhtsne` → the directive `command`: a section with the help of each command."""

import argparse
import os
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from bhtsne import cli


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command by its name."""
    parser = cli._parser()
    chosen = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {name: sub for action in chosen for name, sub in action.choices.items()}


class Command(SphinxDirective):
    """One section for each command."""

    def run(self) -> list:
        """Return the sections."""
        os.environ["COLUMNS"] = "92"
        sections = []
        for name, parser in commands().items():
            section = nodes.section(ids=[f"bhtsne-{name}"], names=[f"bhtsne-{name}"])
            section += nodes.title("", "", nodes.literal(text=f"bhtsne {name}"))
            section += nodes.literal_block(text=parser.format_help(), language="text")
            self.state.document.note_explicit_target(section)
            sections.append(section)
        return sections


def setup(app: Any) -> dict:
    """Register with Sphinx."""
    app.add_directive("command", Command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
