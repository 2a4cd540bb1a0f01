"""JSON of memory, copies and landmarks → what the README says they cost."""

from sections.tables import table


def memory(result: dict) -> str:
    """Return what fits were estimated to need, and what they took."""
    rows = []
    for r in result["rows"]:
        need, took = (max(r[kind].values()) for kind in ("estimated", "measured"))
        rows.append([
            f"{r['points']:,}", r["options"], f"{need / 2**20:,.0f} MiB",
            f"{took / 2**20:,.0f} MiB",
            f"{need / took:.2f}",
        ])  # fmt: skip
    head = ["points", "", "estimated", "measured", "ratio"]
    return (
        "Memory at a fit's fullest, beyond what the process held before it, 50 features: the "
        "estimate by which a fit is refused that cannot fit, and what it took "
        "(`python bench/memory.py`):\n\n" + table(head, rows)
    )


def checkpoint(result: dict) -> str:
    """Return what a checkpoint costs."""
    return (
        f"A fit of {result['points']:,} points that is kept as it goes on, "
        f"{result['bytes'] / 2**20:.0f} MiB on the disk, takes {result['cost']:.1%} longer, the "
        f"median of pairs ({result['without']:.1f} and {result['with']:.1f} s; "
        "`python bench/checkpoint.py`).\n\n"
    )


def landmarks(result: dict) -> str:
    """Return what placing on a map of landmarks takes, and what it is worth."""
    placed, shared, killed = result["placed"], result["dask"], result["killed"]
    digits, rates = result["mnist"], result["dask"]["points_per_second"]
    rows = [
        [
            r["map"], f"{r['seconds']:.0f} s", f"{r['kl']:.3f}", f"{r['recall_at_10']:.3f}",
            f"{r['recall_at_90']:.3f}", f"{r['label_accuracy']:.4f}", str(r["class_pieces"]),
        ]
        for r in digits["rows"]
    ]  # fmt: skip
    head = ["map", "time", "KL", "recall at 10", "at 90", "5-NN accuracy", "pieces of classes"]
    bits = "the same bits" if killed["same_bits"] else "other bits"
    return (
        f"{placed['points']:,} × 50 points, made block by block, placed on a map of "
        f"{placed['landmarks']:,} of them in {placed['placing_seconds']:.0f} s, "
        f"{placed['points_per_second']:,.0f} a second, after {placed['fit_seconds']:.0f} s for the "
        f"map; the process held {placed['peak_memory_bytes'] / 2**30:.2f} GiB at the most "
        f"(`python bench/landmarks.py --points {placed['points']} --dask-points "
        f"{shared['points']}`). By Dask, on processes of one thread: "
        f"{rates['1']:,.0f} points a second by one and {rates['2']:,.0f} by two, "
        f"{shared['gain_by_second_worker']:.2f} times as many; a plain loop on one thread places "
        f"{rates['loop']:,.0f}, so that Dask costs {shared['overhead']:.1%}. A worker killed when "
        f"{killed['done_before']} of {killed['parts']} parts were done: {bits}.\n\n"
        f"{digits['points']:,} digits from {digits['landmarks']:,} landmarks, beside a map of all "
        "(200 iterations of all points refine):\n\n" + table(head, rows)
        + "![Points placed on a map of landmarks](bench/figures/landmarks.png)\n\n"
    )  # fmt: skip
