"""First run of `bhtsne embed digits`, with an empty cache: seconds of compilation by kernel.

    python bench/first_run.py [--json FILE]

One thread, so that all kernels are compiled by one process, one after the other. The time of a
kernel is without that of the kernels that it calls. `bench/starting.py` has the times of first and
later runs by all threads.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

_RUN = """
import json, sys
from numba.core import event
from bhtsne.cli import main
with event.install_recorder("numba:compile") as recorder:
    main(["embed", "digits", "--quiet", "--threads", "1", "-o", sys.argv[1]])
events, open_kernels, seconds = recorder.buffer, [], {}
for at, one in events:
    function = one.data["dispatcher"].py_func
    if one.is_start:
        open_kernels.append([f"{function.__module__}.{function.__name__}", at, 0.0])
        continue
    name, start, inner = open_kernels.pop()
    seconds[name] = seconds.get(name, 0.0) + at - start - inner
    if open_kernels:
        open_kernels[-1][2] += at - start
print(json.dumps(seconds))
"""


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default="bench/first_run.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", _RUN, str(Path(folder, "map.csv"))]
        start = time.perf_counter()
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        whole = time.perf_counter() - start
    seconds = json.loads(done.stdout.splitlines()[-1])
    kernels = sorted(seconds.items(), key=lambda item: -item[1])
    for name, value in kernels:
        print(f"{value:6.2f} s  {name}")
    compiling = sum(seconds.values())
    print(f"{compiling:6.2f} s of compilation in a run of {whole:.2f} s")
    machine.write(
        arguments.json, {"process_seconds": whole, "compilation": compiling, "kernels": kernels}
    )


if __name__ == "__main__":
    main()
