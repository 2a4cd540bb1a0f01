"""A stopped fit continues to the bits of an uninterrupted one, or an error names the reason."""

import errno
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from bhtsne import TSNE, fitting, forces, neighbors, optimizer, storage
from bhtsne.checkpoint import Checkpointing, identity, run
from bhtsne.checkpoint import folder as folders
from bhtsne.checkpoint.identity import CLASSES

X = np.random.default_rng(0).random((90, 5)).astype(np.float32)
QUICK = {"perplexity": 6, "early_exaggeration_iter": 20, "n_iter": 40, "callback_every": 7}
OPTIONS = {
    "forest": {"neighbors": "forest", "init": "random"},
    "exact": {"method": "exact", "dof": 0.7},
    "spectral": {"init": "spectral", "n_components": 3},
    "error": {"theta": forces.AdaptiveTheta(1e-4)},
    "converges": {"stopping": optimizer.Stopping(2e-2), "n_iter": 300},
    "gradient": {"stopping": optimizer.Stopping(min_gradient_norm=1e-2), "n_iter": 300},
    "phases": {"schedule": [{"n_iter": 15, "exaggeration": 12, "theta": 0.9},
                          {"n_iter": 25, "theta": 0.1, "min_kl_rate": 1e-9}, {"n_iter": 9}]},
    "pruned": {"schedule": [{"n_iter": 25, "exaggeration": 9, "theta": 1, "affinity_share": 0.3},
                            {"n_iter": 20, "theta": 0.3}]},
    "reused": {"schedule": [{"n_iter": 25, "exaggeration": 9, "repulsion_every": 4},
                            {"n_iter": 20, "repulsion_every": 2}]},
}  # fmt: skip


def model(folder=None, **options):
    every = options.pop("every", 10)
    saved = None if folder is None else Checkpointing(folder, every)
    return TSNE(**{"random_state": 3, "checkpoint": saved} | QUICK | options)


def result(fitted):
    """Return the result of a fit, except its times."""
    arrays = fitted.embedding_, fitted._velocity, fitted._gains, fitted.kl_per_point_
    arrays += fitted.affinities_.data, fitted.affinities_.indices, *(fitted.neighbors_ or ())
    numbers = fitted.n_iter_, fitted.stopped_, fitted.theta_, fitted._last_phase
    return [a.tobytes() for a in arrays], numbers, [record[:4] for record in fitted.history_]


def stopping_at(iteration, how=KeyboardInterrupt):
    def stop(record, _):
        if record.iteration >= iteration:
            raise how

    return stop


class Killed(Exception):
    pass


@pytest.mark.full(after=1)
@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("iteration", [7, 21, 35, 56])
def test_a_fit_that_was_interrupted_goes_on_bit_for_bit(kind, iteration, tmp_path):
    whole = model(**OPTIONS[kind]).fit(X)
    stopped = model(tmp_path / "run", **OPTIONS[kind], callbacks=[stopping_at(iteration)]).fit(X)
    assert stopped.stopped_ == "interrupt" or iteration > whole.n_iter_
    if iteration % 2:  # by the same fit, or from the folder alone
        again = model(tmp_path / "run", **OPTIONS[kind]).fit(X)
    else:
        again = TSNE.resume(tmp_path / "run")
    assert result(again) == result(whole)


@pytest.mark.full(after=2)
@pytest.mark.parametrize("kind", OPTIONS)
def test_an_exception_in_a_callback_loses_nothing(kind, tmp_path):
    whole = model(**OPTIONS[kind]).fit(X)
    with pytest.raises(Killed):
        model(tmp_path / "run", **OPTIONS[kind], callbacks=[stopping_at(28, Killed)]).fit(X)
    assert result(TSNE.resume(tmp_path / "run")) == result(whole)


STAGES = ["find_neighbors", "compute_affinities", "initial_map", "kl_per_point"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_is_done_again_and_those_before_it_are_not(stage, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise Killed

    whole = model().fit(X)
    with monkeypatch.context() as patched:
        patched.setattr(fitting, stage, fail)
        with pytest.raises(Killed):
            model(tmp_path / "run").fit(X)
    for done in STAGES[: STAGES.index(stage)]:
        monkeypatch.setattr(fitting, done, fail)
    assert result(model(tmp_path / "run").fit(X)) == result(whole)


@pytest.mark.usefixtures("fast_disk")
def test_what_a_kill_has_left_beside_the_states_is_removed(tmp_path):
    whole = model(tmp_path / "run").fit(X)
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    last = sorted((tmp_path / "run").glob("state-*.npz"))[0]
    shutil.copy(last, last.with_name("state-00000001.npz"))
    (tmp_path / "run" / ".state-00000002.npz.0123abcd.tmp").write_bytes(b"torn")
    assert result(TSNE.resume(tmp_path / "run")) == result(whole)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names


def test_a_finished_fit_is_read_and_not_done_again(tmp_path, monkeypatch):
    whole = model(tmp_path / "run").fit(X)
    with monkeypatch.context() as patched:
        patched.setattr(optimizer, "advanced", None)
        again = TSNE.resume(tmp_path / "run", n_jobs=1)
    assert result(again) == result(whole)
    saved = storage.load(tmp_path / "run" / "neighbors.npz", folders.FORMAT, CLASSES)
    assert again.timings_["neighbors"] >= saved["seconds"] > 0
    assert again.transform(X[:3]).tobytes() == whole.transform(X[:3]).tobytes()


def test_a_fit_that_a_callback_ended_stays_ended(tmp_path):
    whole = model(tmp_path / "run", callbacks=[lambda record, _: record.iteration == 28]).fit(X)
    assert (whole.stopped_, whole.n_iter_) == ("callback", 28)
    assert result(TSNE.resume(tmp_path / "run")) == result(whole)


@pytest.fixture
def fast_disk(monkeypatch):
    """Make sure that no state is left out because the one before is still being written."""
    monkeypatch.setattr(folders.Folder, "busy", False)


FILES = ["neighbors", "affinities", "state-00000050", "state-00000060"]


@pytest.mark.full(after=3)
@pytest.mark.parametrize("seed", [3, None])
@pytest.mark.parametrize("missing", [[name] for name in FILES] + [FILES[:2], FILES[1:], FILES])
@pytest.mark.usefixtures("fast_disk")
def test_what_is_missing_is_computed_anew(missing, seed, tmp_path):
    whole = model(tmp_path / "run", random_state=seed).fit(X)
    for name in missing:
        (tmp_path / "run" / f"{name}.npz").unlink()
    assert result(model(tmp_path / "run", random_state=seed).fit(X)) == result(whole)


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        data[len(data) // 3] ^= 0x10
        path.write_bytes(data)


@pytest.mark.full(after=3)
@pytest.mark.parametrize("how", ["cut", "empty", "a bit"])
@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("fast_disk")
def test_a_damaged_file_is_named_and_passed_over(name, how, tmp_path):
    whole = model(tmp_path / "run").fit(X)
    damage(tmp_path / "run" / f"{name}.npz", how)
    again = model(tmp_path / "run")
    if name == FILES[2]:  # older than the one that is good
        again.fit(X)
    else:
        with pytest.warns(UserWarning, match=rf"{name}\.npz must hold .* continues without it"):
            again.fit(X)
    assert result(again) == result(whole)


def test_a_state_whose_arrays_do_not_fit_together_is_no_state(tmp_path):
    model(tmp_path / "run", **OPTIONS["reused"]).fit(X)
    with folders.Folder(tmp_path / "run") as folder:
        name = folder.states()[0]
        path = tmp_path / "run" / f"{name}.npz"
        state = run.read_state(path)
        assert state.repulsion.shape == state.Y.shape
        folder.write(name, vars(state) | {"repulsion": state.repulsion.T})
    with pytest.raises(ValueError, match="arrays differ in shape"):
        run.read_state(path)


@pytest.mark.parametrize("how", ["cut", "empty", "a bit"])
@pytest.mark.parametrize("name", ["run", "points"])
def test_without_knowing_whose_run_it_is_nothing_goes_on(name, how, tmp_path):
    model(tmp_path / "run").fit(X)
    damage(tmp_path / "run" / f"{name}.npz", how)
    with pytest.raises(ValueError, match=rf"{name}\.npz must hold a part of a run.s checkpoint"):
        TSNE.resume(tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"perplexity": 7}, "perplexity=6, and perplexity=7 is given"),
        ({"random_state": 4}, "random_state=3, and random_state=4"),
        ({"random_state": None}, "random_state=3, and random_state=None"),
        ({"init": X[:, :2]}, "init='auto', and init=array"),
        ({"schedule": [{"n_iter": 3}]}, "schedule='fast', and schedule="),
        ({"metric": lambda a, b: abs(a - b).sum()}, "metric='euclidean', and metric="),
        ({"callback_every": 8}, "callback_every=7"),
    ],
)
def test_other_parameters_are_refused_by_name(options, what, tmp_path):
    model(tmp_path / "run").fit(X)
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(ValueError, match=f"holds a run with {what}"):
        model(tmp_path / "run", **options).fit(X)
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (X[:80], r"shape \[90, 5\], and those given have shape \[80, 5\]"),
        (X.astype(np.float64), "dtype float32, and those given have dtype float64"),
        (np.where(np.arange(5) == 2, X + 1e-6, X), "sha256"),
        (sparse.csr_array(X), "sha256"),
    ],
)
def test_other_data_are_refused(other, what, tmp_path):
    model(tmp_path / "run", init="random").fit(X)
    with pytest.raises(ValueError, match=f"holds a run with data of {what}"):
        model(tmp_path / "run", init="random").fit(other)


def test_what_changes_no_bit_may_change(tmp_path):
    whole = model(tmp_path / "run", callbacks=[stopping_at(21)], n_jobs=2).fit(X)
    again = model(tmp_path / "run", n_jobs=1, every=3, verbose=False).fit(X)
    assert (whole.n_iter_, result(again)) == (21, result(model().fit(X)))


@pytest.mark.full(after=2)
@pytest.mark.parametrize(
    ("options", "points"),
    [
        ({}, sparse.csr_array(np.where(X > 0.5, X, 0))),
        ({"metric": "precomputed", "init": "random"}, abs(X[:, :1] - X[:, 0])),
        ({"init": X[:, :2] * 1e-4}, X),
        ({"neighbors": neighbors.find(X, 20)}, X),
        ({"affinities": sparse.csr_array(abs(X[:, :1] - X[:, 0]))}, X),
        ({"metric": "seuclidean", "metric_params": {"V": X.var(axis=0)}}, X),
        ({"random_state": np.random.RandomState(5), "init": "random"}, X),
        ({"affinities": "multiscale", "perplexity": [3, 9]}, X),
        ({"n_components": np.int64(2), "theta": np.float32(0.4)}, X),
    ],
)
def test_a_run_of_any_kind_goes_on_from_its_folder_alone(options, points, tmp_path):
    def fresh():
        seed = options.get("random_state", 3)
        return options | {"random_state": np.random.RandomState(5) if seed != 3 else 3}

    whole = model(**fresh()).fit(points)
    stopped = model(tmp_path / "run", **fresh(), callbacks=[stopping_at(21)]).fit(points)
    assert stopped.n_iter_ == 21
    assert result(TSNE.resume(tmp_path / "run")) == result(whole)


def test_names_of_columns_are_kept(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcde"))
    model(tmp_path / "run", callbacks=[stopping_at(7)]).fit(frame)
    again = TSNE.resume(tmp_path / "run")
    assert list(again.feature_names_in_) == list("abcde")
    assert again.transform(frame[:4]).shape == (4, 2)


def test_a_function_must_be_given_again(tmp_path):
    def metric(a, b):
        return abs(a - b).sum()

    model(tmp_path / "run", metric=metric, callbacks=[stopping_at(7)]).fit(X)
    with pytest.raises(ValueError, match=r"metric must be given again.*metric="):
        TSNE.resume(tmp_path / "run")
    whole = model(metric=metric).fit(X)
    assert result(model(tmp_path / "run", metric=metric).fit(X)) == result(whole)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_is_named_and_not_copied(order, tmp_path):
    np.save(tmp_path / "X.npy", np.asarray(X, order=order))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    stopped = model(tmp_path / "run", callbacks=[stopping_at(7)]).fit(mapped)
    assert stopped.n_iter_ == 7
    with np.load(tmp_path / "run" / "points.npz") as points:
        assert points.files == ["header"]
    assert result(TSNE.resume(tmp_path / "run")) == result(model().fit(X))
    (tmp_path / "X.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"no file .*X\.npy"):
        TSNE.resume(tmp_path / "run")


def test_a_part_of_a_memory_map_is_kept_itself(tmp_path):
    np.save(tmp_path / "X.npy", np.concatenate([X, X]))
    model(tmp_path / "run", callbacks=[stopping_at(7)]).fit(
        np.load(tmp_path / "X.npy", mmap_mode="r")[:90]
    )
    assert result(TSNE.resume(tmp_path / "run")) == result(model().fit(X))


def test_a_folder_that_is_in_use_is_refused(tmp_path):
    with (
        folders.Folder(tmp_path / "run"),
        pytest.raises(BlockingIOError, match="in use by another run"),
    ):
        model(tmp_path / "run").fit(X)
    model(tmp_path / "run").fit(X)


def test_a_folder_of_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match=r"folder of its own.*thesis\.tex"):
        model(tmp_path).fit(X)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(FileNotFoundError, match="checkpoint must be a folder"):
        model(tmp_path / "no" / "run").fit(X)
    with pytest.raises(FileExistsError, match="checkpoint must be a folder"):
        model(tmp_path / "thesis.tex").fit(X)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no run"):
        TSNE.resume(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []
    with pytest.raises(FileNotFoundError, match="holds no run"):
        TSNE.resume(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("failing", ["affinities", "state-00000030", "state-00000060"])
@pytest.mark.usefixtures("fast_disk")
def test_a_full_disk_costs_a_warning_and_one_file(failing, tmp_path, monkeypatch):
    write = np.savez

    def full(file, **arrays):
        if failing in str(file.name):
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, **arrays)

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        with pytest.warns(UserWarning, match="No space left on device.*the run goes on"):
            model(tmp_path / "run").fit(X)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert f"{failing}.npz" not in names
    assert all(name.endswith(".npz") for name in names)
    assert result(TSNE.resume(tmp_path / "run")) == result(model().fit(X))


def test_what_a_killed_process_left_half_written_goes(tmp_path):
    model(tmp_path / "run", callbacks=[stopping_at(7)]).fit(X)
    (tmp_path / "run" / ".state-00000010.npz.0badcafe.tmp").write_bytes(b"half")
    TSNE.resume(tmp_path / "run")
    assert not list((tmp_path / "run").glob(".*"))


def test_further_steps_are_not_part_of_the_run(tmp_path):
    whole = model(tmp_path / "run").fit(X[:80])
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    whole.optimize(10).add(X[80:])
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}


def test_a_run_of_another_version_is_not_gone_on_with(tmp_path, monkeypatch):
    model(tmp_path / "run").fit(X)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    later = folders.FORMAT._replace(version=3)
    monkeypatch.setattr(folders, "FORMAT", later)
    with pytest.raises(ValueError, match=r"run\.npz is version 2 .* reads version 3"):
        model(tmp_path / "run").fit(X)
    monkeypatch.undo()
    monkeypatch.setattr(identity, "__version__", "9.9")
    with pytest.warns(UserWarning, match=r"continues with .*9\.9.*last bits may differ"):
        model(tmp_path / "other").fit(X)


@pytest.mark.parametrize("value", [3, ["run"], True, b"run"])
def test_checkpoint_is_the_name_of_a_folder(value):
    with pytest.raises(TypeError, match="checkpoint must be the name of a folder"):
        model(value).fit(X)


def edited(path, change, *, whole=False):
    """Change the content of a file, or its whole header, as another version would write it."""
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays.pop("header").item())
    change(header if whole else header["content"])
    np.savez(path, **arrays, header=json.dumps(header))


RUN = "run.npz"


@pytest.mark.full(after=2)
@pytest.mark.parametrize("again", [TSNE.resume, lambda path: model(path).fit(X)])
@pytest.mark.parametrize("name", ["stopping", "schedule", "dof"])
def test_a_parameter_that_is_later_than_the_run_has_its_default(name, again, tmp_path):
    whole = model(tmp_path / "run", callbacks=[stopping_at(21)]).fit(X)
    edited(tmp_path / "run" / RUN, lambda run: run["parameters"].pop(name))
    assert whole.n_iter_ == 21
    assert result(again(tmp_path / "run")) == result(model().fit(X))


def test_a_later_parameter_of_another_value_is_refused(tmp_path):
    model(tmp_path / "run").fit(X)
    edited(tmp_path / "run" / RUN, lambda run: run["parameters"].pop("schedule"))
    with pytest.raises(ValueError, match=r"holds a run with schedule='fast', and schedule='open"):
        model(tmp_path / "run", schedule="opentsne").fit(X)


@pytest.mark.parametrize("again", [TSNE.resume, lambda path: model(path).fit(X)])
def test_a_parameter_that_this_version_lacks_is_named(again, tmp_path):
    model(tmp_path / "run").fit(X)
    edited(tmp_path / "run" / RUN, lambda run: run["parameters"].update(eta=200.0))
    with pytest.raises(
        ValueError, match=r"run\.npz holds the parameter 'eta', which bhtsne .* fit"
    ):
        again(tmp_path / "run")


@pytest.mark.parametrize("again", [TSNE.resume, lambda path: model(path).fit(X)])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.update(version=3), r"run\.npz is version 3 .* reads version 2"),
        (lambda file: file.pop("format"), r"run\.npz must hold .* no part 'format'"),
        (lambda file: file.update(format="bhtsne.TSNE"), r"run\.npz must hold .* in place of"),
        (lambda file: file["content"].pop("parameters"), r"run\.npz must hold .* 'parameters'"),
        (lambda file: file["content"].update(data=None), r"run\.npz must hold a part of a run"),
    ],
)
def test_a_run_in_another_form_is_refused_in_a_sentence(change, says, again, tmp_path):
    model(tmp_path / "run").fit(X)
    edited(tmp_path / "run" / RUN, change, whole=True)
    with pytest.raises(ValueError, match=says):
        again(tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(temperature=1.0),
        lambda state: state.pop("history"),
        lambda state: state["history"].append([1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
@pytest.mark.usefixtures("fast_disk")
def test_a_state_in_another_form_is_passed_over(change, tmp_path):
    whole = model(tmp_path / "run").fit(X)
    edited(tmp_path / "run" / "state-00000060.npz", change)
    with pytest.warns(UserWarning, match=r"state-00000060\.npz must hold .* continues without it"):
        assert result(TSNE.resume(tmp_path / "run")) == result(whole)


def test_resume_keeps_how_often_a_state_is_written(tmp_path):
    model(tmp_path / "run", every=17, callbacks=[stopping_at(7)]).fit(X)
    assert TSNE.resume(tmp_path / "run").checkpoint.every == 17
    edited(tmp_path / "run" / RUN, lambda run: run.pop("every"))
    assert TSNE.resume(tmp_path / "run").checkpoint.every == 50


def test_a_tuple_and_a_list_are_the_same_parameter(tmp_path):
    options = {"affinities": "multiscale", "perplexity": (4, 9)}
    whole = model(tmp_path / "run", **options, callbacks=[stopping_at(21)]).fit(X)
    assert whole.n_iter_ == 21
    again = model(tmp_path / "run", **options | {"perplexity": [4, 9]}).fit(X)
    assert result(again) == result(model(**options).fit(X))
