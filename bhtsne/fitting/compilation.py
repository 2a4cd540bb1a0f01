"""An empty cache → the kernels of an optimization, compiled in a second process.

On a first run they take longer to compile than everything else. The second process begins with the
slowest, while the first one reads its input and compiles the search for neighbours; where both need
a kernel, one waits for the other and loads its result (see `numba_internals`).
"""

import subprocess
import sys
from contextlib import suppress

import numpy as np
from scipy import sparse

from bhtsne import jit, optimizer
from bhtsne.forces import barnes_hut, exact, packed
from bhtsne.forces.objective import KLDivergence
from bhtsne.optimizer import Phase, State
from bhtsne.optimizer.step import Motion, advanced
from bhtsne.tree import Tree

__all__ = ["compile_kernels", "start"]

_started: list[subprocess.Popen] = []  # Python warns of a process that it forgets while it runs


def start(n_components: int, dof: float, n_jobs: int | None = None) -> None:
    """Compile the kernels of an optimization in a second process, if they are not cached.

    The process ends on its own, and this one does not depend on it. With one thread there is none.

    Parameters
    ----------
    n_components : int
        Dimensions of the map, 1 to 3.
    dof : float
        Degrees of freedom of its kernel.
    n_jobs : int or None
        Threads, as in `jit.threads`.
    """
    with jit.threads(n_jobs) as threads:
        if threads == 1 or not sys.executable or jit.is_cached(barnes_hut.sum_groups):
            return
    # -P: no file of the working folder is imported.
    command = [sys.executable, "-P", "-m", __name__, str(n_components), str(float(dof))]
    silent = subprocess.DEVNULL
    with suppress(OSError):  # the first process compiles alone
        _started.append(subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent))


def compile_kernels(n_components: int, dof: float) -> None:
    """Compile the kernels, the slowest first, and those that the first process needs soon last."""
    Y = np.eye(2, n_components, dtype=np.float32)
    P = sparse.csr_array(np.array([[0, 0.5], [0.5, 0]], np.float32))
    barnes_hut.repulsion(packed.pack(_smallest_tree(n_components), dof), 0.5)
    advanced(Motion(Y, Y, Y), Y, 1.0, 0.5)
    exact.repulsion(Y, dof, np.arange(2))
    objective = KLDivergence(P, "barnes_hut", 0.5, dof)
    optimizer.run(State(Y), objective, [Phase(1, 1.0, 1.0, 0.5)])


def _smallest_tree(d: int) -> Tree:
    """Return a tree of one point, made without the kernels of `tree`."""
    zero, one, flat = np.zeros(1, np.int32), np.ones(1, np.int32), np.zeros(1, np.float32)
    center, quadrupole = np.zeros((d, 1), np.float32), np.zeros((d * (d + 1) // 2, 1), np.float32)
    return Tree(zero, center, zero, one, one, flat, center, quadrupole, zero)


if __name__ == "__main__":
    compile_kernels(int(sys.argv[1]), float(sys.argv[2]))
