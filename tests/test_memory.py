"""What can be had is the least of all limits; what cannot fit is refused before it is begun."""

import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from bhtsne import TSNE, fitting, initial, jit, memory
from bhtsne.fitting import memory_needs

MACHINE = SimpleNamespace(total=1 << 30, available=2048 * 1024)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Return a function that makes the files in which a system tells of itself."""

    def make(groups, **files):
        (tmp_path / "groups").write_text(groups)
        for name, text in files.items():
            path = tmp_path / "fs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: MACHINE)
        monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
        monkeypatch.setattr(memory, "_LIMITS", tmp_path / "fs")

    return make


def group(folder, most, used, spare, names=memory._NAMES["v2"]):
    stat = f"anon 5\n{names[2]} {spare}\nfile 9\n"
    texts = dict(zip((*names[:2], "memory.stat"), (most, used, stat), strict=True))
    return {f"{folder}{name}": str(text) for name, text in texts.items()}


def test_without_limits_it_is_what_the_machine_has_left(system):
    system("0::/\n")
    assert memory.available() == 2048 * 1024


def test_a_container_of_version_2_and_those_around_it_count(system):
    system("0::/a/b\n", **group("a/b/", "max", 5, 0), **group("a/", 1_000_000, 300_000, 50_000))
    assert memory.available() == 750_000
    system("0::/a/b\n", **group("a/b/", 400_000, 100_000, 0))
    assert memory.available() == 300_000


def test_within_a_container_its_own_group_is_the_root(system):
    system("0::/docker/abc\n", **group("", 500_000, 100_000, 0))
    assert memory.available() == 400_000


def test_a_container_of_version_1_counts(system):
    names = memory._NAMES["v1"]
    system("5:cpu:/x\n4:memory:/x\n", **group("memory/x/", 900_000, 500_000, 100_000, names))
    assert memory.available() == 500_000


def test_one_that_is_over_its_limit_has_nothing(system):
    system("0::/\n", **group("", 100, 300, 0))
    assert memory.available() == 0


@pytest.mark.parametrize("error", [FileNotFoundError, NotImplementedError, KeyError, psutil.Error])
def test_where_no_system_tells_anything_fits(error, monkeypatch, tmp_path):
    def unknown():
        raise error

    monkeypatch.setattr(psutil, "virtual_memory", unknown)
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "nothing")
    assert memory.available() == math.inf
    memory.check(1e30, "Everything", "nothing")


def test_the_limit_of_address_space_counts():
    code = (
        "import resource, bhtsne.memory as memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); print(memory.available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout) < 1 << 30


def test_what_cannot_fit_is_refused_before_anything_is_computed(monkeypatch):
    X = np.random.default_rng(0).random((200, 5))
    monkeypatch.setattr(memory, "available", lambda: 1000.0)
    monkeypatch.setattr(fitting, "find_neighbors", None)
    with pytest.raises(MemoryError, match=r"neighbors of 200 points at perplexity 30 need about"):
        TSNE().fit(X)
    with pytest.raises(MemoryError, match=r"All pairs of 200 points need .*barnes_hut"):
        TSNE(method="exact").fit(X)


def test_needs_grow_with_what_they_are_of():
    small = memory_needs.of_fit(10_000, 50, 90, search="exact", init="pca", n_components=2)
    for change in ({"n": 20_000}, {"k": 180}, {"search": "forest", "n": 20_000}):
        options = {"n": 10_000, "d": 50, "k": 90, "search": "exact", "init": "pca"} | change
        large = memory_needs.of_fit(**options, n_components=2)
        assert all(large[stage] > small[stage] for stage in ("affinities", "optimization"))
        assert large["neighbors"] > 1.3 * small["neighbors"]


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("search", ["exact", "forest"])
def test_a_memory_map_is_read_in_blocks(search, dtype, tmp_path, tracer):
    """What is held is not of X: a copy in float32 alone would be 51 MB."""
    X = np.random.default_rng(0).normal(128, 20, (8_000, 1600)).astype(dtype)
    np.save(tmp_path / "X.npy", X)
    tracer.peak(fit_mapped, tmp_path / "X.npy", search, 1100, 20)  # compiles
    assert 0 < tracer.peak(fit_mapped, tmp_path / "X.npy", search) < 50e6


def fit_mapped(path, search, rows=None, columns=None):
    X = np.load(path, mmap_mode="r")[:rows, :columns]
    TSNE(perplexity=5, neighbors=search, init="random", random_state=0,
         n_iter=5, early_exaggeration_iter=5, n_jobs=1).fit(X)  # fmt: skip


def test_principal_components_read_a_memory_map_in_blocks(tmp_path, tracer):
    X = np.random.default_rng(0).normal(size=(60_000, 100))
    np.save(tmp_path / "X.npy", X)
    assert 0 < tracer.peak(components_of_mapped, tmp_path / "X.npy") < 0.4 * X.nbytes


def components_of_mapped(path):
    with jit.threads(1):
        Y = initial.principal_components(np.load(path, mmap_mode="r"), 2)
    assert Y.shape == (60_000, 2)


def test_freed_memory_is_released_where_the_c_library_can(monkeypatch):
    called = []
    monkeypatch.setattr(
        memory.ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=called.append)
    )
    memory.release()
    assert called == [0]
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: SimpleNamespace())
    memory.release()  # musl, macOS
    monkeypatch.setattr(memory.ctypes, "CDLL", len)  # Windows: a TypeError for None
    memory.release()
