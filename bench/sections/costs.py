"""JSON of threads, first runs, memory, checkpoints and landmarks → their sections."""

from sections.tables import figure, gib, measured_on, table


def threads(result: dict) -> str:
    """Return seconds of each stage by threads, and its serial share."""
    kinds, fit = ("seconds", "expected"), result["rows"][0]["stages"]["fit"]
    rows = []
    for r in result["rows"]:
        for name, stage in r["stages"].items():
            one, law = ([f"{value:.1f} s" for value in stage[kind].values()] for kind in kinds)
            beside = f"{stage['at_once']:.1f} s" if "at_once" in stage else "–"
            share = f"{stage['serial_share']:.0%}"
            rows.append([f"{r['points']:,}", name, *one, beside, share, *law])
    heads = [f"{t} thread{'s' * (t != '1')}" for t in fit["seconds"]]
    heads += [f"{[*fit['seconds']][-1]} fits at once"]
    more = [f"{cores} cores" for cores in fit["expected"]]
    return (
        "Fits in turns (`python bench/threads.py`). The serial share is that of Amdahl's law: of "
        "the optimization and the fit by the time in which threads wait, of other stages by the "
        f"times of one thread and of all. The law gives the times on {' and '.join(more)}, which "
        "were not measured. Fits at once, of one thread each in processes of their own, show how "
        "much longer the machine itself takes with all cores in use.\n\n"
        + measured_on(result["machine"])
        + table(["points", "", *heads, "serial share", *more], rows)
        + figure("threads", "Time of a fit by points and cores, measured and by Amdahl's law")
    )


def addition(result: dict) -> str:
    """Return the seconds of the sum of affinities and their transpose."""
    rows = [
        [
            f"{r['points']:,}", f"{r['perplexity']:g}", f"{r['scipy']:.2f} s",
            f"{r['one_thread']:.2f} s", f"{r['all_threads']:.2f} s",
        ]
        for r in result["rows"]
    ]  # fmt: skip
    same = "the same bits" if all(r["same_bits"] for r in result["rows"]) else "other bits"
    return (
        "Conditional affinities plus their transpose, by the threads of this library and by SciPy "
        f"(`python bench/addition.py`); the sums have {same}. Few points are left to SciPy, "
        "since the kernels take longer to compile than they save.\n\n"
        + measured_on(result["machine"])
        + table(
            ["points", "perplexity", "SciPy", "one thread", f"{result['threads']} threads"], rows
        )
    )


def first_run(result: dict) -> str:
    """Return the kernels that take longest to compile."""
    rows = [[f"`{name}`", f"{seconds:.2f} s"] for name, seconds in result["kernels"][:10]]
    return (
        f"`bhtsne embed digits` with an empty cache and one thread takes "
        f"{result['process_seconds']:.0f} s, of which {result['compilation']:.0f} s compile "
        f"{len(result['kernels'])} kernels (`python bench/first_run.py`). The ten slowest:\n\n"
        + measured_on(result["machine"]) + table(["kernel", "compilation"], rows)
    )  # fmt: skip


def starting(result: dict) -> str:
    """Return the time of first and later runs of the command."""
    first, later = (result["medians"][run]["now"] for run in ("first", "later"))
    return (
        f"With all threads a first run takes {first:.0f} s, and later ones {later:.1f} s "
        "(`python bench/starting.py`).\n\n" + measured_on(result["machine"])
    )


def memory(result: dict) -> str:
    """Return estimated and measured memory of fits."""
    rows = []
    for r in result["rows"]:
        need, peak = (max(r[kind].values()) for kind in ("estimated", "measured"))
        rows.append([
            f"{r['points']:,}", r["options"], f"{need / 2**20:,.0f} MiB",
            f"{peak / 2**20:,.0f} MiB",
            f"{need / peak:.2f}",
        ])  # fmt: skip
    head = ["points", "options", "estimated", "measured", "ratio"]
    return (
        "Peak memory of a fit of 50 features, beyond the memory of the process before it. A fit "
        "whose estimate exceeds the available memory is refused (`python bench/memory.py`).\n\n"
        + measured_on(result["machine"]) + table(head, rows)
    )  # fmt: skip


def checkpoint(result: dict) -> str:
    """Return the cost of a checkpoint."""
    return (
        f"With a checkpoint, {result['bytes'] / 2**20:.0f} MiB on disk, a fit of "
        f"{result['points']:,} points takes {result['cost']:.1%} longer, the median of pairs "
        f"({result['without']:.1f} and {result['with']:.1f} s; `python bench/checkpoint.py`).\n\n"
        + measured_on(result["machine"])
    )


def landmarks(result: dict) -> str:
    """Return speed and quality of maps of landmarks."""
    return (
        _placed(result["placed"], result["dask"]) + _dask(result["dask"], result["killed"])
        + _digits(result["mnist"])
    )  # fmt: skip


def _placed(placed: dict, shared: dict) -> str:
    """Return the time of placing very many points on one machine."""
    return (
        f"{placed['points']:,} points of 50 features, generated in blocks, on a map of "
        f"{placed['landmarks']:,} landmarks: {placed['fit_seconds']:.0f} s for the map, then "
        f"{placed['placing_seconds']:.0f} s for the other points, "
        f"{placed['points_per_second']:,.0f} a second; peak memory "
        f"{gib(placed['peak_memory_bytes'])} "
        f"(`python bench/landmarks.py --points {placed['points']} --dask-points "
        f"{shared['points']}`).\n\n" + measured_on(placed["machine"])
    )


def _dask(shared: dict, killed: dict) -> str:
    """Return the speed of Dask's workers, and the effect of the death of one."""
    rates = shared["points_per_second"]
    bits = "are the same bits" if killed["same_bits"] else "differ in their bits"
    return (
        f"Dask with workers of one thread: {rates['1']:,.0f} points a second with one worker, "
        f"{rates['2']:,.0f} with two ({shared['gain_by_second_worker']:.2f} times as many), "
        f"{rates['loop']:,.0f} in a plain loop on one thread: the overhead of Dask is "
        f"{shared['overhead']:.1%}. When a worker is killed after {killed['done_before']} of "
        f"{killed['parts']} parts, the places {bits}.\n\n" + measured_on(shared["machine"])
    )


def _digits(digits: dict) -> str:
    """Return the quality of maps of landmarks beside a full fit."""
    rows = [
        [
            r["map"], f"{r['seconds']:.0f} s", f"{r['kl']:.3f}", f"{r['recall_at_10']:.3f}",
            f"{r['recall_at_90']:.3f}", f"{r['label_accuracy']:.4f}", str(r["class_pieces"]),
        ]
        for r in digits["rows"]
    ]  # fmt: skip
    head = ["map", "time", "KL", "recall at 10", "at 90", "5-NN accuracy", "pieces of classes"]
    return (
        f"{digits['points']:,} digits from {digits['landmarks']:,} landmarks, beside a full fit; "
        "a refined map has 200 more iterations of all points.\n\n"
        + measured_on(digits["machine"]) + table(head, rows)
        + figure("landmarks", "Points placed on a map of landmarks")
    )  # fmt: skip
