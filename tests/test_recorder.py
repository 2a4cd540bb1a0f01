"""The recorder: its maps and their precision, the choice of frames, and the rest of a run."""

import json

import numpy as np
import pytest

from bhtsne import SNE, TSNE, DynamicTSNE, Recorder, datasets
from bhtsne.checkpoint import Checkpointing
from bhtsne.optimizer import Record, State

X = datasets.digits().X[:200]
SHORT = {"n_iter": 60, "early_exaggeration_iter": 40, "callback_every": 10, "random_state": 0}


def record(iteration, kl=1.0):
    return Record(iteration, kl, 0.0, 0.0, 0.0)


def filled(frames, iterations, n=3):
    recorder = Recorder(frames)
    for i in iterations:
        recorder(record(i, 1 / i), np.full((n, 2), i, np.float32))
    return recorder


def alike(a, b):
    return a.iterations == b.iterations and np.array_equal(a.maps, b.maps)


@pytest.mark.parametrize("extent", [1e-4, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_a_map_of_any_extent_is_kept_within_its_width(extent, shift):
    Y = np.random.default_rng(0).normal(size=(1000, 2)) * [1, 0.01] * extent + shift * extent
    recorder = Recorder()
    recorder(record(1), Y.astype(np.float32))
    (kept,) = recorder.maps
    assert kept.dtype == np.float32
    assert np.abs(kept - Y).max() <= np.ptp(Y, axis=0).max() / 4096 * 1.01
    if not shift:  # near the middle float16 is finer, so that a flat map is not made of steps
        assert len(np.unique(kept[:, 1])) > 800


def test_a_run_is_kept_from_its_start_to_its_end():
    seen, recorder = [], Recorder()
    model = TSNE(callbacks=[recorder, lambda r, Y: seen.append((r, Y))], **SHORT).fit(X)
    assert recorder.iterations == [0, *range(10, 101, 10)]
    assert np.isnan(recorder.kl[0])
    assert recorder.kl[1:] == [r.kl for r, _ in seen] == [r.kl for r in model.history_]
    for kept, (_, Y) in zip(recorder.maps[1:], seen, strict=True):
        assert np.abs(kept - Y).max() <= np.ptp(Y, axis=0).max() / 4096 * 1.01
    assert np.ptp(recorder.maps[0]) < 1e-3 < 1 < np.ptp(recorder.maps[-1])


@pytest.mark.parametrize("last", [30, 1000, 5000])
def test_frames_are_spread_evenly_by_the_root_of_the_iteration(last):
    recorder = filled(25, range(1, last + 1))
    kept = np.array(recorder.iterations)
    assert len(recorder) == 25
    assert kept[[0, -1]].tolist() == [1, last]
    gaps = np.diff(np.sqrt(kept))
    assert gaps.max() < max(3 * gaps.mean(), np.sqrt(2) - 1 + 1e-9)
    assert [Y[0, 0] for Y in recorder.maps] == kept.tolist()


def test_a_fit_begins_anew_and_optimize_goes_on():
    recorder = Recorder()
    model = TSNE(callbacks=[recorder], **SHORT)
    model.fit(X[:100])
    model.set_params(callback_every=25).fit(X)
    assert recorder.iterations == [0, 25, 50, 75, 100]
    assert recorder.maps[0].shape == (200, 2)
    first = recorder.maps
    model.optimize(50)
    assert recorder.iterations == [0, 25, 50, 75, 100, 125, 150]
    assert np.array_equal(recorder.maps[:5], first)


def test_the_rest_of_a_stopped_run_replaces_what_is_later(tmp_path):
    whole, parted = Recorder(), Recorder()
    TSNE(callbacks=[whole], **SHORT).fit(X)
    given = {"checkpoint": Checkpointing(tmp_path / "run", 30), **SHORT}

    def stop(record, Y):
        if record.iteration == 50:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        TSNE(callbacks=[parted, stop], **given).fit(X)
    parted.save(tmp_path / "frames.npz")
    again = Recorder.load(tmp_path / "frames.npz")
    TSNE(callbacks=[again], **given).fit(X)
    assert alike(again, whole)


def test_a_resumed_run_without_earlier_frames_begins_where_it_goes_on():
    recorder, Y = Recorder(), np.ones((3, 2), np.float32)
    recorder.begin(State(Y, iteration=50, history=[record(50, 2.5)]))
    assert (recorder.iterations, recorder.kl) == ([50], [2.5])
    recorder.begin(State(Y, iteration=50))
    assert recorder.kl == [2.5]


def test_sne_records_through_both_of_its_parts():
    recorder = Recorder()
    given = {"early_exaggeration_iter": 20, "n_iter": 20, "callback_every": 10, "perplexity": 9}
    SNE(variant="uni-sne", callbacks=[recorder], **given).fit(X[:60])
    assert recorder.iterations == [0, 10, 20, 30, 40]


def test_a_file_holds_all_and_little_more(tmp_path):
    recorder = filled(8, range(1, 30), n=5000)
    recorder.save(tmp_path / "run.npz")
    again = Recorder.load(tmp_path / "run.npz")
    assert alike(again, recorder)
    assert (again.kl, again.frames) == (recorder.kl, 8)
    assert (tmp_path / "run.npz").stat().st_size < 8 * 5000 * 2 * 2 + 3000
    assert list(tmp_path.iterdir()) == [tmp_path / "run.npz"]


def test_one_point_and_one_spot():
    recorder = Recorder()
    recorder(record(1), np.full((1, 1), 7, np.float32))
    assert recorder.maps[0].tolist() == [[7.0]]


@pytest.mark.parametrize("frames", [1, 0, -3, 2.5, "ten", None, True])
def test_frames_are_counted_in_whole_numbers(frames):
    with pytest.raises(ValueError, match="frames must be a whole number of at least 2, got"):
        Recorder(frames)


def test_what_is_no_map_is_refused():
    with pytest.raises(TypeError, match="DynamicTSNE is a sequence"):
        DynamicTSNE(callbacks=[Recorder()], n_iter=10, perplexity=5).fit([X[:30], X[:30]])


def test_nothing_to_save_and_no_file_to_load(tmp_path):
    with pytest.raises(ValueError, match="no frame to save"):
        Recorder().save(tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError, match=r"run\.npz"):
        Recorder.load(tmp_path / "run.npz")


def header(format="bhtsne.Recorder", **content):
    """Return the header of a file with another content."""
    arrays = ("frames", "centres", "scales", "iterations", "kl")
    content = {name: {"type": "array", "name": name} for name in arrays} | {"limit": 9} | content
    return np.array(json.dumps({"format": format, "version": 2, "content": content}))


def test_a_file_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    filled(9, range(1, 4), n=5).save(path)
    with np.load(path) as file:
        parts = dict(file) | {"header": np.array(str(header()).replace("2", "99", 1))}
    np.savez(path, **parts)
    with pytest.raises(ValueError, match=r"run\.npz is version 99 of the format bhtsne\.Recorder"):
        Recorder.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"frames": np.zeros((3, 5, 2), np.float32)},
        {"frames": np.full((3, 5, 2), np.inf, np.float16)},
        {"frames": np.zeros((2, 5, 2), np.float16)},
        {"frames": np.zeros((3, 5), np.float16)},
        {"scales": np.full(3, np.nan, np.float32)},
        {"iterations": np.array([1, 3, 2])},
        {"kl": np.zeros(2)},
        {"header": header(format="bhtsne.TSNE")},
        {"header": header(limit=0)},
        {"header": header(limit="many")},
        {"header": header(frames=[1, 2])},
        {"centres": None},
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, change):
    path = tmp_path / "run.npz"
    filled(9, range(1, 4), n=5).save(path)
    with np.load(path) as file:
        parts = dict(file) | change
    np.savez(path, **{name: part for name, part in parts.items() if part is not None})
    with pytest.raises(ValueError, match=r"run\.npz must hold frames that Recorder\.save wrote"):
        Recorder.load(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="no zip archive"):
        Recorder.load(path)
