"""JSON of the parts of the library → what the README says of forces, new points and variants."""

from sections.tables import NAMES, table


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
        f"One repulsion of {result['points']:,} points, relative errors of F / Z on the final map "
        "(`python bench/accuracy.py`; other layouts in the figure):\n\n" + table(head, rows)
        + "![Error against time](bench/figures/accuracy.png)\n\n"
    )  # fmt: skip


def new_points(result: dict) -> str:
    """Return how long new points take, and how well they lie."""
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
        "", "neighbours + placing", "5-NN accuracy", "fitted together",
        "fitted points, placed anew, from their place by the map's extent",
    ]  # fmt: skip
    return (
        f"{result['new']:,} new digits on a map of {result['points']:,} "
        "(`python bench/new_points.py`). Saved, loaded and placed by a new process: "
        f"{ours['new_process_seconds']:.1f} s in all, and no coordinate differs by more than "
        f"{ours['new_process_largest_difference']:.0e}.\n\n" + table(head, rows)
        + "![New digits on the map of others](bench/figures/new_points.png)\n\n"
    )  # fmt: skip


def variants(result: dict) -> str:
    """Return what the ancestors' maps are worth beside t-SNE's."""
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
        "The ancestors of t-SNE, over all pairs of points (`python bench/variants.py`, which says "
        "what is crowded; divergences by different q do not compare):\n\n" + table(head, rows)
        + "![Maps from SNE to t-SNE](bench/figures/variants.png)\n\n"
    )  # fmt: skip


def dynamic(result: dict) -> str:
    """Return what coherence costs in a sequence of maps."""
    rows = [
        [
            f"{r['penalty']:g}", f"{r['seconds']:.0f} s", f"{r['movement']:.2%}", f"{r['kl']:.3f}",
            f"{r['kl_first']:.3f}", f"{r['kl_last']:.3f}",
            f"{r['neighbor_hit_first']:.3f}", f"{r['neighbor_hit_last']:.3f}",
        ]
        for r in result["rows"]
    ]  # fmt: skip
    head = [
        "λ", "fit", "movement by the extent", "mean KL", "first", "last",
        "neighbour hit, first", "last",
    ]  # fmt: skip
    return (
        f"A sequence of {result['snapshots']} snapshots of {result['points']:,} digits, under less "
        "and less blur, by the penalty of movement (`python bench/dynamic.py`):\n\n"
        + table(head, rows) + "![Maps of a sequence](bench/figures/dynamic.png)\n\n"
    )  # fmt: skip
