"""The README: its Python runs from top to bottom, its commands are the ones that exist."""

import re
import shlex
from pathlib import Path

import pytest

from bhtsne import cli

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.full
def test_the_python_examples_run_one_after_another(capsys):
    names: dict = {}
    examples = blocks("python")
    assert len(examples) >= 3
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)
    out = capsys.readouterr().out
    assert float(re.search(r"KL divergence ([\d.]+)", out)[1]) < 0.9
    errors = re.findall(r"^\d+\.\d+(?:e-\d+)?$", out, re.MULTILINE)
    assert float(errors[0]) < 2e-3  # the gradient's, in the second example


def test_the_commands_parse():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [part.strip() for line in lines for part in line.split("&&") if "bhtsne" in part]
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command)
        assert words[0].endswith("bhtsne")
        cli._parser().parse_args(words[1:])


def test_the_picture_is_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (Path(__file__).parents[1] / path).stat().st_size > 10_000


def test_the_page_for_those_who_come_from_elsewhere_names_every_parameter():
    from sklearn.manifold import TSNE as Theirs

    from bhtsne import TSNE

    page = (Path(__file__).parents[1] / "docs" / "parameters.md").read_text()
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", page))))
    assert set(Theirs().get_params()) <= named
    assert set(TSNE().get_params()) <= named
