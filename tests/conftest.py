"""Data and models that tests share: made once in a session, and only read."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from tracing import Tracer

from bhtsne import TSNE, datasets


@pytest.fixture(scope="session")
def digits():
    """Return the 1797 digits, an array of shape (1797, 64)."""
    return datasets.digits().X


@pytest.fixture(scope="session")
def fitted_digits(digits):
    """Return a TSNE fitted to the first 300 digits, after 50 early and 150 further iterations."""
    return TSNE(random_state=0, early_exaggeration_iter=50, n_iter=150, n_jobs=1).fit(digits[:300])


@pytest.fixture(autouse=True)
def _no_figures_of_earlier_tests():
    """Close the figures that other tests and examples have left open."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def tracer():
    """Return a process in which the memory that calls allocate is traced."""
    process = Tracer()
    yield process
    process.close()


def find_chromium():
    """Return the path of an installed Chromium or Chrome, or None."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


@pytest.fixture(scope="session")
def chromium():
    """Return a headless browser; skip the test if there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        executable = find_chromium() or running.chromium.executable_path
        if not Path(executable).exists():
            pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
        arguments = ["--ignore-gpu-blocklist", "--enable-unsafe-swiftshader"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("--no-sandbox")
        launched = running.chromium.launch(executable_path=executable, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def window(chromium):
    """Return a function that opens a page; fail if it complains or loads anything else."""
    complaints, loaded, contexts = [], set(), []

    def open_window(url, size=(1000, 760), **options):
        width, height = size
        options = {"reduced_motion": "reduce"} | options
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: loaded.add(request.url))
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        loaded.discard(url)
        return page

    yield open_window
    for context in contexts:
        context.close()
    # Reading a picture of the map back is slow without a graphics card, as Chromium says.
    slow = "GL Driver Message (OpenGL, Performance"
    assert [line for line in complaints if slow not in line] == []
    assert {url.partition(":")[0] for url in loaded} <= {"data", "blob", "ws"}
