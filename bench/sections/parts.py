"""JSON of forces, new points, variants and sequences → their sections."""

from sections.tables import NAMES, figure, measured_on, table


def accuracy(result: dict) -> str:
    """Return time and error of one repulsion on the final map."""
    rows = [
        [
            r["method"] + (f", θ {r['theta']:g}" if r["theta"] else ""),
            f"{r['milliseconds']:.1f} ms",
            *(f"{r[key]:.1e}" for key in ("rms", "median", "p99", "max", "z")),
        ]
        for r in result["rows"]
        if r["layout"] == "final map"
    ]
    head = ["", "time", "RMS", "median", "99 %", "largest", "Z"]
    return (
        f"One repulsion of {result['points']:,} points; relative errors of F / Z, and of Z, on the "
        "final map (`python bench/accuracy.py`). The figure has other layouts as well.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("accuracy", "Error against time")
    )  # fmt: skip


def new_points(result: dict) -> str:
    """Return time and quality of the places of new points."""
    ours = result["bhtsne"]
    rows = [[
        NAMES["bhtsne"],
        f"{ours['neighbors_seconds']:.2f} + {ours['seconds_after_neighbors']:.2f} s",
        f"{ours['accuracy']:.4f}", f"{ours['accuracy_fitted_together']:.4f}",
        f"{ours['again_by_extent']:.1e}",
    ]]  # fmt: skip
    if "openTSNE" in result:
        theirs = result["openTSNE"]
        rows.append(
            ["openTSNE", f"{theirs['seconds']:.2f} s", f"{theirs['accuracy']:.4f}", "–", "–"]
        )
    head = [
        "", "neighbours + placement", "5-NN accuracy", "5-NN accuracy of a joint fit",
        "displacement of fitted points placed as new ones, by the extent of the map",
    ]  # fmt: skip
    return (
        f"{result['new']:,} new digits on a map of {result['points']:,} "
        "(`python bench/new_points.py`). A new process that loads the saved model and places them "
        f"takes {ours['new_process_seconds']:.1f} s in all; the largest difference of a coordinate "
        f"is {ours['new_process_largest_difference']:.0e}.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("new_points", "New digits on the map of others")
    )  # fmt: skip


def variants(result: dict) -> str:
    """Return the quality of maps of SNE and its successors."""
    rows = [
        [
            f"{r['data']}, {r['points']:,}", r["variant"], f"{r['seconds']:.0f} s",
            f"{r['divergence']:.3f}", f"{r['last_change']:.1e}", f"{r['recall_at_10']:.3f}",
            f"{r['neighbor_hit']:.3f}", f"{r['crowded']:.0%}",
        ]
        for r in result["rows"]
    ]  # fmt: skip
    head = [
        "data", "variant", "fit", "divergence", "its change in the last 100 iterations",
        "recall at 10", "neighbour hit", "crowded",
    ]  # fmt: skip
    return (
        "Exact gradients over all pairs of points (`python bench/variants.py`, which defines the "
        "crowded share). Divergences of different q cannot be compared.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("variants", "Maps from SNE to t-SNE")
    )  # fmt: skip


def dynamic(result: dict) -> str:
    """Return movement and quality of a sequence of maps by the penalty of movement."""
    rows = [
        [
            f"{r['penalty']:g}", f"{r['seconds']:.0f} s", f"{r['movement']:.2%}", f"{r['kl']:.3f}",
            f"{r['kl_first']:.3f}", f"{r['kl_last']:.3f}",
            f"{r['neighbor_hit_first']:.3f}", f"{r['neighbor_hit_last']:.3f}",
        ]
        for r in result["rows"]
    ]  # fmt: skip
    head = [
        "λ", "fit", "movement by the extent", "mean KL", "KL, first", "KL, last",
        "neighbour hit, first", "neighbour hit, last",
    ]  # fmt: skip
    return (
        f"{result['snapshots']} snapshots of {result['points']:,} digits, each less blurred than "
        "the one before, by the movement penalty λ (`python bench/dynamic.py`).\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("dynamic", "Maps of a sequence")
    )  # fmt: skip
