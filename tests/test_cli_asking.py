"""Commands that ask: what data there is, what is here, what would be needed, what comes next."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bhtsne
from bhtsne import TSNE, choices, cli, datasets, files, jit, schedules, tables
from bhtsne.cli import fitting

COMMANDS = list(cli._COMMANDS)


def test_without_a_command_help_is_shown(capsys):
    assert run([]) == 0
    said = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command} " in said
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"bhtsne {bhtsne.__version__}\n"


def run(argv):
    try:
        return cli.main(argv)
    except SystemExit as leave:
        return leave.code


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_in_the_help_parse(command, capsys):
    assert run([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    examples = said.partition("examples:\n")[2].splitlines()
    assert len(examples) >= 2
    for example in examples:
        words = example.partition(" #")[0].partition(" < ")[0].partition(" > ")[0]
        words = words.partition(" | ")[0].replace('eval "$(', "").replace(')"', "").split()
        assert words[0] in ("bhtsne", "embedding-atlas"), example
        if words[0] == "bhtsne":
            cli._parser().parse_args(words[1:])


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["emebd"], "no command 'emebd'; did you mean embed?"),
        (["xyz"], "no command 'xyz'; see bhtsne --help"),
        (["data", "mnits"], "did you mean mnist?"),
        (["data", "-o", "x.csv"], "-o needs the name"),
        (["data", "digits", "-o", "x.xls"], "must end in .npz"),
        (["data", "clusters:5"], "n must be at least n_clusters"),
        (["info", "--features", "5"], "--features goes with a number"),
        (["info", "nowhere"], "IN must be a file"),
        (["info", "100", "--perplexity", "500"], "perplexity must be below"),
        (["info", "100", "--threads", "0"], "n_jobs must be"),
        (["completion", "tcsh"], "choose from"),
        (["resume", "nowhere"], "RUN must be a folder"),
        (["--quite"], "--quite"),
    ],
)
def test_a_fault_is_one_sentence_and_an_object(argv, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status = cli.main(argv)
    assert status == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert said.err.count("\n") == 1
    assert cli.main([*argv, "--json"]) == status
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == status
    assert says in told["error"]


def test_what_nobody_foresaw_is_a_sentence_too(monkeypatch, capsys):
    def broken():
        raise RuntimeError("a fault\nof two lines")

    monkeypatch.setattr(datasets, "places", broken)
    assert cli.main(["data"]) == 1
    assert capsys.readouterr().err.startswith(
        "bhtsne: unexpected RuntimeError: a fault of two lines; "
    )
    monkeypatch.setenv("BHTSNE_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="a fault"):
        cli.main(["data"])


def test_what_fails_is_another_status_than_what_is_mistaken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    assert cli.main(["data", "clusters:20", "-o", "x.csv"]) == 1
    assert capsys.readouterr().err == "bhtsne: [Errno 28] No space left on device\n"


def test_the_list_of_data_sets_is_true(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BHTSNE_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("BHTSNE_CACHE", str(tmp_path))
    assert cli.main(["data", "--json"]) == 0
    told = {data["name"]: data for data in json.loads(capsys.readouterr().out)["data"]}
    assert tuple(told) == datasets.NAMES
    assert not told["mnist"]["here"]
    for name in ("digits", "clusters"):
        data = datasets.load(name)
        assert data.X.shape == (told[name]["points"], told[name]["features"])
        assert len(np.unique(data.y)) == told[name]["classes"]
    (tmp_path / "mnist.npz").touch()
    assert cli.main(["data"]) == 0
    assert f"yes   in {tmp_path}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.csv", "x.tsv", "x.parquet"])
def test_a_data_set_is_written_to_a_file_that_can_be_read(name, tmp_path, capsys):
    if name == "x.parquet":
        pytest.importorskip("pyarrow")
    assert cli.main(["data", "clusters:30", "-o", str(tmp_path / name)]) == 0
    assert "30 points, 50 features (float32" in capsys.readouterr().out
    data = datasets.load("clusters:30")
    columns = name not in ("x.npz", "x.npy")
    read = tables.read(tmp_path / name, labels="label" if columns else None)
    np.testing.assert_array_equal(read.X.astype(np.float32), data.X)
    if name != "x.npy":
        np.testing.assert_array_equal(read.labels, data.y)


def test_what_is_here_is_told(capsys):
    assert cli.main(["info", "--json", "--threads", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["libraries"]["numba"] == importlib.metadata.version("numba")
    assert told["threads"]["used"] == 1
    assert told["threads"]["layer"] in ("omp", "tbb", "workqueue")
    assert any(Path(cache["path"]).is_dir() for cache in told["caches"]["compiled"])
    assert cli.main(["info"]) == 0
    said = capsys.readouterr().out
    assert importlib.metadata.version("numba") in said
    assert "iB available" in said


def test_what_a_run_would_need_is_what_it_is_judged_by(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    X = np.zeros((5000, 20), np.float32)
    np.save("x.npy", X)
    for argv in (["5,000", "--features", "20"], ["x.npy"]):
        assert cli.main(["info", *argv, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["run"]
        with jit.threads(None):
            needed = TSNE().needed_memory(X)
        assert told["needed_bytes"] == {stage: int(need) for stage, need in needed.items()}
        assert told["fits"]
    assert cli.main(["info", "1000000000", "--perplexity", "30,300"]) == 0
    said = capsys.readouterr().out
    assert "1,000,000,000 points of 50 features at perplexity 30, 300 need" in said
    assert "it does not fit" in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_names_the_command(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    code = capsys.readouterr().out
    assert "bhtsne" in code
    assert "_ARGCOMPLETE" in code
    if shutil.which(shell):  # fish and zsh are where they are installed
        done = subprocess.run([shell, "-n"], input=code, text=True, capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")


BASH = """
source completion.bash
COMP_LINE="{line}"; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9
read -ra COMP_WORDS <<< "$COMP_LINE"; COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
$(complete -p bhtsne | sed -E 's/.*-F ([^ ]+) .*/\\1/') bhtsne
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="this system has no bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bhtsne emb", ["embed"]),
        ("bhtsne embed --perp", ["--perplexity"]),
        ("bhtsne embed dig", ["digits"]),
        ("bhtsne embed x.csv --labels ki", ["kind"]),
        ("bhtsne embed x.csv --keep kind,wi", ["kind,width"]),
        ("bhtsne embed x.csv --affinities mul", ["multiscale"]),
    ],
)
def test_bash_completes_words(line, offered, tmp_path, capsys):
    assert cli.main(["completion", "bash"]) == 0
    (tmp_path / "completion.bash").write_text(capsys.readouterr().out)
    (tmp_path / "x.csv").write_text("width,kind\n1,a\n2,b\n")
    folder = os.path.dirname(sys.executable)
    done = subprocess.run(
        ["bash", "-c", BASH.format(line=line)], cwd=tmp_path, text=True, capture_output=True,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout.split() == offered, done.stderr


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "bhtsne", "--version"]
    assert subprocess.check_output(command, text=True) == f"bhtsne {bhtsne.__version__}\n"


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("affinities", choices.AFFINITIES),
        ("method", choices.FORCES),
        ("init", choices.INITIAL_MAPS),
        ("schedule", choices.SCHEDULES),
        ("landmarks-by", choices.LANDMARKS),
        ("missing", choices.MISSING),
    ],
)
def test_a_word_that_an_option_does_not_take_is_refused_before_anything_is_read(
    option, known, capsys
):
    for word in known:
        assert cli.main(["embed", "missing.csv", f"--{option}", word]) != 0
        assert f"argument --{option}" not in capsys.readouterr().err
    typed = known[0][:-1]
    assert cli.main(["embed", "missing.csv", f"--{option}", typed]) == 2
    told = capsys.readouterr().err.rstrip()
    assert f"argument --{option}: must be {', '.join(known[:-1])} or {known[-1]}, got" in told
    assert told.endswith(f"; did you mean {known[0]}?")
    assert cli.main(["embed", "missing.csv", f"--{option}", "…"]) == 2
    assert capsys.readouterr().err.rstrip().endswith("see bhtsne embed --help")


def test_the_words_of_the_command_are_those_of_the_library():
    assert tuple(schedules.SCHEDULES) == choices.SCHEDULES
    X = np.random.default_rng(0).random((40, 5))
    for kind in choices.INITIAL_MAPS:
        TSNE(init=kind, perplexity=5, n_iter=1, early_exaggeration_iter=1).fit(X)
    assert {"euclidean", "jaccard", "precomputed"} <= set(fitting._metrics())
