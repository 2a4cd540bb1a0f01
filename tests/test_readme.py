"""README → its Python runs, its commands exist, its links and pictures lead to files."""

import re
import shlex
from pathlib import Path

import pytest

from bhtsne import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.full
def test_the_python_examples_run_one_after_another(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    examples = blocks("python")
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)
    out = capsys.readouterr().out
    assert float(re.search(r"KL divergence ([\d.]+)", out)[1]) < 0.9
    assert float(re.search(r"force error ([\d.e-]+)", out)[1]) < 2e-3
    assert (tmp_path / "digits.png").exists()


def test_the_commands_parse():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [part.strip() for line in lines for part in line.split("&&") if "bhtsne" in part]
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command)
        assert words[0].endswith("bhtsne")
        cli._parser().parse_args(words[1:])


def test_the_picture_is_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert len(pictures) == 2
    for path in pictures:
        assert (ROOT / path).stat().st_size > 10_000


def test_links_lead_to_files_and_headings():
    links = re.findall(r"\]\(([^)#]+)(?:#([^)]*))?\)", README)
    assert len(links) > 15
    for path, heading in links:
        text = (ROOT / path).read_bytes()
        if heading:
            titles = re.findall(r"^#+ (.*)$", text.decode("utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


def test_the_readme_is_one_page_with_one_table_of_figures():
    assert len(README.splitlines()) <= 150
    assert len(re.findall(r"^\| --- ", README, re.MULTILINE)) == 2  # the comparison, the extras


def test_the_tables_of_parameters_name_every_parameter():
    from sklearn.manifold import TSNE as Theirs

    from bhtsne import TSNE

    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", page))))
    assert set(Theirs().get_params()) <= named
    assert set(TSNE().get_params()) <= named
