"""Many fits in one process: neither its memory nor its threads nor its open files grow."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

LONG = os.environ.get("BHTSNE_LONG") == "1"
# The warm fits, by the end of which all buffers are used, are not measured.
FITS, WARM = (400, 200) if LONG else (50, 20)
BLOCK = 20 if LONG else 5  # fits whose memory is averaged: it goes up and down in steps

SOAK = """
import gc, json, os, sys, tempfile
import numpy as np
from bhtsne import TSNE

X = np.random.default_rng(0).normal(size=(2500, 20)).astype(np.float32)
quick = {"perplexity": 10, "n_iter": 20, "early_exaggeration_iter": 20}
kinds = [{}, {"method": "exact"}, {"neighbors": "forest"}, {"init": "spectral"},
         {"n_components": 3}]

def stop(record, Y):
    raise ZeroDivisionError

seen = []
for k in range(int(sys.argv[1])):
    points = X[:600] if k % 5 == 1 else X
    with tempfile.TemporaryDirectory() as folder:
        options = quick | kinds[k % 5] | {"random_state": k, "checkpoint": folder + "/run"}
        model = TSNE(**options).fit(points)
        model.transform(X[:20])
        try:
            TSNE(**quick, callbacks=[stop], callback_every=10).fit(points)
        except ZeroDivisionError:
            pass
    del model
    gc.collect()
    pages = int(open("/proc/self/statm").read().split()[1])
    seen.append([pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/task")),
                 len(os.listdir("/proc/self/fd"))])
print(json.dumps(seen))
"""


@pytest.mark.full
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux tells what is in use")
def test_many_fits_leave_nothing_behind(capsys):
    done = subprocess.run(
        [sys.executable, "-c", SOAK, str(FITS)], capture_output=True, text=True, timeout=3000
    )
    assert done.returncode == 0, done.stderr[-3000:]
    memory, threads, handles = np.array(json.loads(done.stdout))[WARM:].T
    means = memory.reshape(-1, BLOCK).mean(axis=1)
    (slope, _), covariance = np.polyfit(BLOCK * np.arange(len(means)), means, 1, cov=True)
    noise = stats.t.ppf(0.999, len(means) - 2) * np.sqrt(covariance[0, 0])
    with capsys.disabled():
        print(f"\n{len(memory)} fits after {WARM}: memory {memory.mean() / 2**20:.0f} MiB, slope "
              f"{slope / 2**10:+.1f} KiB a fit (± {noise / 2**10:.1f}), threads "
              f"{threads.min()} to {threads.max()}")  # fmt: skip
    assert slope <= max(noise, 2e-4 * memory.mean())
    assert len(set(threads)) == len(set(handles)) == 1
