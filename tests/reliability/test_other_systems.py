"""What POSIX or Linux alone have is hidden, as on Windows and macOS: all works by the other way."""

import json
import subprocess
import sys

import numpy as np
import pytest

# Runs first in a process of its own: filelock decides at import what a system has. On Linux
# psutil itself needs what is hidden here.
HIDE = """
import os, pathlib, psutil, sys, types, warnings
hidden = set(sys.argv[1].split(","))
class Finder:
    def find_spec(name, *_):
        if name in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Finder)
for name in hidden:
    sys.modules.pop(name, None)
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "only soft file lock is available")
from bhtsne import TSNE, checkpoint, cli, files, memory
def without(read):
    def found(path, *arguments, **options):
        if str(path).startswith(("/proc", "/sys")):
            raise FileNotFoundError(path)
        return read(path, *arguments, **options)
    return found
for name in ("open", "read_text"):
    setattr(pathlib.Path, name, without(getattr(pathlib.Path, name)))
psutil.PROCFS_PATH = sys.argv[2]
files.paths.os = types.SimpleNamespace(**vars(os) | {"name": sys.argv[3]})
"""
SYSTEMS = {  # the hidden modules, where psutil reads, os.name
    "without fcntl and resource": ("fcntl,resource", "/proc", "posix"),
    "without /proc": ("none", "nowhere", "posix"),
    "without any": ("fcntl,resource", "nowhere", "posix"),
    "as on Windows": ("fcntl,resource,pwd,grp,termios", "/proc", "nt"),
}


LOCKS = """
folder = pathlib.Path("locked")
folder.mkdir()
for _ in range(2):
    (folder / ".old.tmp").touch()
    with files.locked(folder, "the map"):
        assert not (folder / ".old.tmp").exists()
        (folder / ".new.tmp").touch()
        try:
            with files.locked(folder, "the map"):
                raise AssertionError
        except BlockingIOError as error:
            assert "is in use by another run" in str(error)
        assert (folder / ".new.tmp").exists()
with files.atomic_write(folder / "map.csv") as file:
    file.write(b"whole")
assert (folder / "map.csv").read_bytes() == b"whole"
assert files.LOCK not in os.listdir(folder)
"""


MEMORY = """
free, peak = memory.available(), memory.peak()
assert free > 0
assert peak is None or peak > 1 << 20
assert (free == float("inf")) == (sys.argv[2] == "nowhere") or "resource" not in hidden
"""


CHECKPOINT = """
import numpy as np
X = np.random.default_rng(0).random((90, 5)).astype(np.float32)
options = dict(perplexity=6, early_exaggeration_iter=20, n_iter=20, random_state=3)
whole = TSNE(**options).fit(X)
def stop(record, _):
    if record.iteration >= 20:
        raise KeyboardInterrupt
saved = checkpoint.Checkpointing("saved", 5)
stopped = TSNE(**options, checkpoint=saved, callbacks=[stop], callback_every=5)
assert stopped.fit(X).stopped_ == "interrupt"
again = TSNE.resume("saved")
assert again.embedding_.tobytes() == whole.embedding_.tobytes()
assert not [name for name in os.listdir("saved") if name.startswith(".")]
"""


COMMAND = """
import io, contextlib
def run(*argv):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert cli.main(list(argv)) == 0, argv
    return out.getvalue()
quick = ["--perplexity", "6", "--n-iter", "20", "--quiet", "--json"]
run("embed", "X.csv", "-o", "map.csv", "--save", "map.npz", "--checkpoint", "run", *quick)
run("resume", "run", "--quiet", "--json")
run("transform", "map.npz", "X.csv", "-o", "new.csv", "--quiet")
print(run("info", "--json"), end="", flush=True)
cli.streams.close_quietly()
print("to a reader who has gone", flush=True)
"""


@pytest.mark.full(after=1)
@pytest.mark.parametrize("system", SYSTEMS)
def test_locks_memory_checkpoints_and_the_command_work(system, tmp_path):
    X = np.random.default_rng(0).random((90, 5))
    np.savetxt(tmp_path / "X.csv", X, delimiter=",", header="a,b,c,d,e", comments="")
    code = HIDE + LOCKS + MEMORY + CHECKPOINT + COMMAND
    command = [sys.executable, "-c", code, *SYSTEMS[system]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    assert printed["processor"]["name"]
    assert len((tmp_path / "new.csv").read_text().splitlines()) == 91
