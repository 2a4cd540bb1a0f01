"""A fitted map and its figures → HTML: sentences, pictures and tables that print."""

import html
import platform
from base64 import b64encode
from importlib.metadata import version
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import Any

from bhtsne import __version__, plot
from bhtsne.plot import figures
from bhtsne.reporting.findings import Findings
from bhtsne.reporting.sentences import Section, sections

__all__ = ["document"]

# Text in place of a picture.
_ALTERNATIVES = {
    "map": "The map, coloured by label",
    "kept": "The map, coloured by the share of neighbours kept",
    "errors": "The map, coloured by the KL divergence of each point",
    "recurring": "The map, coloured by the share of neighbours that recur",
}
_LIBRARIES = ("numpy", "scipy", "numba", "scikit-learn", "pynndescent")


def document(model: Any, labels: Any, found: Findings, title: str) -> str:
    """Return the page."""
    pictures = {
        "map": _map(model, labels),
        "kept": None if found.kept_by_point is None else _by_point(
            model, found.kept_by_point, "share of 10 neighbours kept"),
        "errors": _by_point(
            model, model.kl_per_point_ / max(float(model.kl_per_point_.mean()), 1e-12),
            "KL divergence / mean"),
        "recurring": _by_point(model, found.recurring_by_point, "share of neighbours that recur"),
    }  # fmt: skip
    body = "\n".join(_section(one, pictures) for one in sections(model, found))
    template = files("bhtsne.reporting").joinpath("report.html").read_text(encoding="utf-8")
    return template.format(
        title=html.escape(title),
        n=f"{len(model.embedding_):,}",
        body=body,
        tables="\n".join(
            f"<section><h2>{heading}</h2>{_table(rows)}</section>"
            for heading, rows in _tables(model).items()
            if rows
        ),
    )


def _section(one: Section, pictures: dict[str, str | None]) -> str:
    shown = [(pictures[name], _ALTERNATIVES[name]) for name in one.pictures]
    images = "".join(f'<img alt="{text}" src="{picture}">' for picture, text in shown if picture)
    text = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in one.text)
    figure = f"<figure>{images}</figure>" if images else ""
    return f"<section><h2>{html.escape(one.title)}</h2>{text}{figure}</section>"


def _map(model: Any, labels: Any) -> str:
    (ax,) = figures.panels(1, 7, 6)
    plot.scatter(model.embedding_, labels, ax=ax)
    return _encoded(ax.figure)


def _by_point(model: Any, values: Any, name: str) -> str:
    (ax,) = figures.panels(1, 6, 5)
    plot.scatter(model.embedding_, values, ax=ax, legend_title=name)
    return _encoded(ax.figure)


def _encoded(figure: Any) -> str:
    """Return a figure as a PNG in a data URI."""
    return f"data:image/png;base64,{b64encode(figures.png(figure, 110)).decode()}"


def _tables(model: Any) -> dict[str, dict[str, str]]:
    """Return rows by heading; models saved by earlier versions have no phases."""
    return {
        "Parameters": _parameters(model),
        "Phases of the optimization": _phases(model),
        "Time of each stage": {stage: f"{s:.2f} s" for stage, s in model.timings_.items()},
        "Versions, to cite": _versions(),
    }


def _parameters(model: Any) -> dict[str, str]:
    given = model.get_params(deep=False)
    return {name: f"{_text(value):.60}" for name, value in given.items() if name != "callbacks"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _phases(model: Any) -> dict[str, str]:
    """Return the iterations of each phase, and its values, which "auto" stood for."""
    ends = list(accumulate((phase.n_iter for phase in model.phases_), initial=1))
    return {
        f"iterations {first} to {after - 1}": f"exaggeration {phase.exaggeration:g}, learning rate "
        f"{phase.learning_rate:.6g}, momentum {phase.momentum:g}, θ {phase.theta:g}"
        for phase, (first, after) in zip(model.phases_, pairwise(ends), strict=True)
    }


def _versions() -> dict[str, str]:
    found = {"bhtsne": __version__, "Python": platform.python_version()}
    return found | {name: version(name) for name in _LIBRARIES}


def _table(rows: dict[str, str]) -> str:
    cells = (
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"
