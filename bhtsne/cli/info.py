"""`bhtsne info`: from the machine, or a number of points, to what a run would find and need."""

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
bhtsne info 1000000 --features 50  # and whether a run of so many points fits
bhtsne info points.npy --perplexity 100
bhtsne info --json
"""
_LIBRARIES = (
    "numpy", "numba", "llvmlite", "scipy", "scikit-learn", "pynndescent", "matplotlib", "pyarrow",
)  # fmt: skip
_EXTRAS = {"python-calamine": ".xlsx", "anndata": "scanpy.tsne"}
# Promises that rest on private parts of Numba (see `numba_internals.Support`).
_PROMISES = {
    "reproducible_code": "the same bits in every process",
    "cache": "cached kernels",
    "compilation_events": "progress of compilation",
}
_VECTORS = ("avx512f", "avx2", "avx", "sse4.2", "sve", "neon")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "info", run, _EXAMPLES,
        help="say what is here, and what a run of N points would need",
        description="Say which versions, threads, memory and caches there are, and what memory a "
        "run would need in each stage.",
    )  # fmt: skip
    command.add_argument("input", metavar="N|IN", nargs="?", help="a number of points, a data set "
                         "or a file")  # fmt: skip
    command.add_argument("--features", type=count, metavar="D", help="of N points (50, to which "
                         "embed reduces more)")  # fmt: skip
    command.add_argument("--perplexity", type=numbers, default=30.0, metavar="P[,P…]",
                         help="as for embed (30)")  # fmt: skip
    command.add_argument("--threads", type=int, metavar="N", help="threads (all)")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Say it; return the exit status."""
    if arguments.input is None and arguments.features is not None:
        raise Usage("--features goes with a number of points; give it before")
    told = _of_machine(arguments.threads)
    if arguments.input is not None:
        told["run"] = _of_run(arguments, told["memory"]["available_bytes"])
    print(json.dumps(told) if arguments.json else "\n".join(_lines(told)))
    return 0


def _of_machine(threads: int | None) -> dict[str, Any]:
    import bhtsne.tsne  # noqa: F401  # all kernels, whose caches are looked at
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
    """Return what a cache holds, and whether more could be put there."""
    sizes = [file.stat().st_size for file in path.glob(pattern) if file.is_file()]
    nearest = next(p for p in (path, *path.parents) if p.exists())
    return {"path": str(path), "bytes": sum(sizes), "writable": os.access(nearest, os.W_OK)}


def _of_run(arguments: argparse.Namespace, free: float | None) -> dict[str, Any]:
    from bhtsne import TSNE
    from bhtsne.tsne import mapping

    X = _shape(arguments)
    model = TSNE(perplexity=arguments.perplexity, n_jobs=arguments.threads)
    mapping.check_model(model)
    mapping.check_memory_and_perplexity(model, X)
    needs = {stage: int(need) for stage, need in model.needed_memory(X).items()}
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
    """Return an array of the shape of the points, which takes no memory."""
    import numpy as np

    from bhtsne.cli.points import load

    try:
        n, d = count(arguments.input), arguments.features or 50
    except ValueError:
        if arguments.features is not None:
            raise Usage(f"--features goes with a number of points, got {arguments.input}") from None
        arguments.labels = None
        X = load(arguments).X
        n, d = X.shape[0], min(X.shape[1], 50)  # as embed reduces it
    return np.broadcast_to(np.float32(0), (n, d))


def _lines(told: dict[str, Any]) -> list[str]:
    processor, threads, caches = told["processor"], told["threads"], told["caches"]
    extras = [f"{name} {v} ({_EXTRAS[name]})" if v else f"no {name} ({_EXTRAS[name]})"
              for name, v in told["extras"].items()]  # fmt: skip
    compiled = caches["compiled"]
    size = sum(folder["bytes"] for folder in compiled)
    where = os.path.commonpath([folder["path"] for folder in compiled]) if compiled else "nowhere"
    closed = [folder["path"] for folder in compiled if not folder["writable"]]
    rows = {
        "bhtsne": f"{told['bhtsne']}, Python {told['python']} in {sys.prefix}",
        "libraries": ", ".join(f"{name} {v}" for name, v in told["libraries"].items()),
        "extras": ", ".join(extras),
        "processor": f"{processor['name']}, {processor['llvm']}, {' '.join(processor['vectors'])}",
        "threads": f"{threads['used']} of {threads['machine']}, by {threads['layer']}",
        "kernels": _promises(told["numba_internals"]),
        "memory": f"{_size(told['memory']['available_bytes'])} can be had",
        "data": f"{caches['data']['path']} ({_held(caches['data'])})",
        "compiled": f"{where} ({_size(size)}"
        f"{'; read-only, so that each process compiles' if closed else ''})",
    }
    lines = [f"{name:<10} {text}" for name, text in rows.items()]
    return [*lines, *_lines_of_run(told["run"])] if "run" in told else lines


def _promises(support: dict[str, bool]) -> str:
    """Return which promises of the kernels hold, and which this version of Numba rules out."""
    on = [text for name, text in _PROMISES.items() if support[name]]
    off = [text for name, text in _PROMISES.items() if not support[name]]
    parts = [", ".join(on)] * bool(on) + [f"off: {', '.join(off)}"] * bool(off)
    return "; ".join(parts)


def _lines_of_run(run: dict[str, Any]) -> list[str]:
    stages = ", ".join(f"{stage} {_size(need)}" for stage, need in run["needed_bytes"].items())
    scales = run["perplexity"] if isinstance(run["perplexity"], list) else [run["perplexity"]]
    told = ", ".join(f"{scale:g}" for scale in scales)
    verdict = {None: "", True: ": it fits", False: ": it does not fit"}[run["fits"]]
    return [
        f"\n{run['points']:,} points of {run['features']} features at perplexity "
        f"{told} need {_size(run['most_bytes'])} beside the points{verdict}",
        f"  {stages}",
    ]


def _held(folder: dict[str, Any]) -> str:
    return f"{_size(folder['bytes'])}{'' if folder['writable'] else '; read-only'}"


def _size(count: float | None) -> str:
    if count is None:
        return "an unknown amount"
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
