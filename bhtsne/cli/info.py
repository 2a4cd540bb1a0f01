"""Machine, or number of points → versions, threads, memory and caches: `bhtsne info`."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from bhtsne import __version__
from bhtsne.cli.parser import Usage, add_command, add_json, count, numbers

_EXAMPLES = """
bhtsne info                        # versions, threads, memory, caches
bhtsne info 1000000 --features 50  # and the memory of a run
bhtsne info points.npy --perplexity 100
bhtsne info --json
"""
_LIBRARIES = (
    "numpy", "numba", "llvmlite", "scipy", "scikit-learn", "pynndescent", "matplotlib", "pyarrow",
)  # fmt: skip
_EXTRAS = {"python-calamine": ".xlsx", "anndata": "scanpy.tsne", "websockets": "live pages"}
# Guarantees that depend on private parts of Numba (see `numba_internals.Support`).
_GUARANTEES = {
    "reproducible_code": "the same bits in every process",
    "cache": "cached kernels",
    "compilation_events": "progress of compilation",
}
_VECTORS = ("avx512f", "avx2", "avx", "sse4.2", "sve", "neon")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "info", run, _EXAMPLES,
        help="show versions, threads, memory and caches",
        description="Show versions, threads, available memory and caches, and the memory that each "
        "stage of a run needs.",
    )  # fmt: skip
    command.add_argument("input", metavar="N|IN", nargs="?", help="number of points, data set or "
                         "file of a run")  # fmt: skip
    command.add_argument("--features", type=count, metavar="D", help="number of features of the N "
                         "points (50)")  # fmt: skip
    command.add_argument("--perplexity", type=numbers, default=30.0, metavar="P[,P…]",
                         help="as for embed (30)")  # fmt: skip
    command.add_argument("--threads", type=int, metavar="N", help="number of threads (all)")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Print the information; return the exit status."""
    if arguments.input is None and arguments.features is not None:
        raise Usage("--features goes with a number of points; write bhtsne info N --features D")
    summary = _of_machine(arguments.threads)
    if arguments.input is not None:
        summary["run"] = _of_run(arguments, summary["memory"]["available_bytes"])
    print(json.dumps(summary) if arguments.json else "\n".join(_lines(summary)))
    return 0


def _of_machine(threads: int | None) -> dict[str, Any]:
    import bhtsne.tsne.placing  # noqa: F401  # imports all kernels, and so their cache folders
    from bhtsne import datasets, jit, memory, numba_internals

    free = memory.available()
    with jit.threads(threads) as used:
        layer = jit.threading_layer()
    return {
        "bhtsne": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "extras": {name: _version(name) for name in _EXTRAS},
        "processor": _processor(),
        "threads": {"machine": os.cpu_count(), "used": used, "layer": layer},
        "numba_internals": numba_internals.SUPPORT._asdict(),
        "memory": {"available_bytes": free if free < float("inf") else None},
        "caches": {
            "data": _folder(datasets.cache_folder()),
            "compiled": [_folder(Path(path), "*.nb[ci]") for path in jit.cache_folders()],
        },
    }


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> dict[str, Any]:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    vectors = [name for name in _VECTORS if features.get(name)]
    return {"name": _model() or platform.machine(), "llvm": binding.get_host_cpu_name(),
            "vectors": vectors}  # fmt: skip


def _model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), None)


def _folder(path: Path, pattern: str = "*") -> dict[str, Any]:
    """Return path and size of a cache, and whether it is writable."""
    sizes = [file.stat().st_size for file in path.glob(pattern) if file.is_file()]
    nearest = next(p for p in (path, *path.parents) if p.exists())
    return {"path": str(path), "bytes": sum(sizes), "writable": os.access(nearest, os.W_OK)}


def _of_run(arguments: argparse.Namespace, free: float | None) -> dict[str, Any]:
    """Return the memory that each stage of a run needs, which may be more than is available."""
    from bhtsne.fitting import perplexities
    from bhtsne.tsne import mapping, memory_estimate
    from bhtsne.tsne.fit import Fit

    X = _shape(arguments)
    model = Fit(perplexity=arguments.perplexity, n_jobs=arguments.threads)
    mapping.check_model(model)
    perplexities.check_below_points(model.perplexity, X.shape[0])
    needs = {stage: int(need) for stage, need in memory_estimate.needed_memory(model, X).items()}
    most = max(needs.values())
    return {
        "points": X.shape[0],
        "features": X.shape[1],
        "perplexity": arguments.perplexity,
        "needed_bytes": needs,
        "most_bytes": most,
        "fits": None if free is None else most <= free,
    }


def _shape(arguments: argparse.Namespace) -> Any:
    """Return an array with the shape of the points that occupies no memory."""
    import numpy as np

    from bhtsne.cli.points import load

    try:
        n, d = count(arguments.input), arguments.features or 50
    except argparse.ArgumentTypeError:
        if arguments.features is not None:
            raise Usage(f"--features goes with a number of points, got {arguments.input}") from None
        arguments.labels = None
        X = load(arguments).X
        n, d = X.shape[0], min(X.shape[1], 50)  # the default of embed's --pca
    return np.broadcast_to(np.float32(0), (n, d))


def _lines(summary: dict[str, Any]) -> list[str]:
    """Return the summary as lines of text."""
    processor, threads, caches = summary["processor"], summary["threads"], summary["caches"]
    extras = [f"{name} {v} ({_EXTRAS[name]})" if v else f"no {name} ({_EXTRAS[name]})"
              for name, v in summary["extras"].items()]  # fmt: skip
    compiled = caches["compiled"]
    size = sum(folder["bytes"] for folder in compiled)
    root = os.path.commonpath([folder["path"] for folder in compiled]) if compiled else "none"
    read_only = any(not folder["writable"] for folder in compiled)
    rows = {
        "bhtsne": f"{summary['bhtsne']}, Python {summary['python']} in {sys.prefix}",
        "libraries": ", ".join(f"{name} {v}" for name, v in summary["libraries"].items()),
        "extras": ", ".join(extras),
        "processor": f"{processor['name']}, {processor['llvm']}, {' '.join(processor['vectors'])}",
        "threads": f"{threads['used']} of {threads['machine']}, layer {threads['layer']}",
        "kernels": _guarantees(summary["numba_internals"]),
        "memory": f"{_size(summary['memory']['available_bytes'])} available",
        "data": f"{caches['data']['path']} ({_cache_text(caches['data'])})",
        "compiled": f"{root} ({_size(size)}"
        f"{'; read-only, so that each process compiles' if read_only else ''})",
    }
    lines = [f"{name:<10} {text}" for name, text in rows.items()]
    return [*lines, *_lines_of_run(summary["run"])] if "run" in summary else lines


def _guarantees(support: dict[str, bool]) -> str:
    """Return the guarantees that hold, and those that this version of Numba rules out."""
    on = [text for name, text in _GUARANTEES.items() if support[name]]
    off = [text for name, text in _GUARANTEES.items() if not support[name]]
    parts = [", ".join(on)] * bool(on) + [f"off: {', '.join(off)}"] * bool(off)
    return "; ".join(parts)


def _lines_of_run(run: dict[str, Any]) -> list[str]:
    stages = ", ".join(f"{stage} {_size(need)}" for stage, need in run["needed_bytes"].items())
    scales = run["perplexity"] if isinstance(run["perplexity"], list) else [run["perplexity"]]
    perplexity = ", ".join(f"{scale:g}" for scale in scales)
    verdict = {None: "", True: ": it fits", False: ": it does not fit"}[run["fits"]]
    return [
        f"\n{run['points']:,} points of {run['features']} features at perplexity {perplexity} need "
        f"{_size(run['most_bytes'])} in addition to the points{verdict}",
        f"  {stages}",
    ]


def _cache_text(folder: dict[str, Any]) -> str:
    return f"{_size(folder['bytes'])}{'' if folder['writable'] else '; read-only'}"


def _size(count: float | None) -> str:
    if count is None:
        return "an unknown amount"
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
