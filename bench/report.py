"""Write the README's "Measured" section from the JSON files of the other programs.

    python bench/report.py

Nothing in that section is typed by hand: what stands between its two marks is replaced.
"""

import json
from pathlib import Path

_BENCH = Path(__file__).parent
_README = _BENCH.parent / "README.md"
MARKS = "<!-- bench/report.py writes from here -->\n", "<!-- to here -->\n"
NAMES = {
    "bhtsne": "**bhtsne**", "bhtsne_cold": "bhtsne, first run (compiles)",
    "bhtsne_slow": 'bhtsne, `schedule="opentsne"`', "opentsne_fft": "openTSNE, FFT",
    "opentsne_bh": "openTSNE, Barnes-Hut", "sklearn": "scikit-learn",
    "sklearnex": "scikit-learn-intelex", "umap": "UMAP",
}  # fmt: skip


def _load(name: str) -> dict | None:
    path = _BENCH / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def _rivals(result: dict) -> str:
    """Return the comparison with other libraries."""
    target, rows = result["target"], []
    for record in result["runs"]:
        peer, _, iterations = record["name"].partition(":")
        name = NAMES[peer] + (f", {int(iterations):,} iterations" if iterations else "")
        if "failed" in record:
            rows.append([name, record["failed"], *["–"] * 6])
            continue
        reached, final = record["seconds_to_target"], record["final"]
        rows.append([
            name, f"{record['process_seconds']:.0f} s", f"{final['kl']:.3f}",
            f"{reached:.0f} s" if reached else "not reached",
            f"{final['recall_at_10']:.3f}",
            f"{final['label_accuracy']:.4f}" if "label_accuracy" in final else "–",
            str(final.get("class_pieces", "–")), f"{record['peak_memory_bytes'] / 2**30:.2f} GiB",
        ])  # fmt: skip
    peers = " ".join(record["name"] for record in result["runs"][1:])
    head = [
        "", "process, start to end", "exact KL", f"KL {target:g} reached after", "recall at 10",
        "5-NN label accuracy", "pieces of classes", "peak memory",
    ]  # fmt: skip
    return (
        f"{result['points']:,} points of {result['features']} features, perplexity 30, "
        f"{result['threads']} threads, each library at its defaults unless said, one run of "
        f"`python bench/rivals.py --peers {peers}`:\n\n" + _table(head, rows)
        + "![KL divergence against seconds](bench/figures/rivals.png)\n\n"
    )  # fmt: skip


def _neighbors(result: dict) -> str:
    """Return the comparison of searches for neighbours."""
    names = {
        "exact": "**bhtsne**, exact", "forest": "**bhtsne**, random trees",
        "pynndescent": "pynndescent", "sklearn": "scikit-learn, brute force",
        "sklearnex": "scikit-learn-intelex, brute force",
    }  # fmt: skip
    rows = [
        [names[r["method"]], f"{r['seconds']:.1f} s", f"{r['recall']:.4f}"] for r in result["rows"]
    ]
    first = result["rows"][0]
    return (
        f"90 neighbours of {first['points']:,} points of {first['features']} features, float32, "
        f"{first['threads']} threads, medians of processes in turns (`python bench/neighbors.py`):"
        "\n\n" + _table(["", "time", "recall"], rows)
    )


def _schedules(result: dict) -> str:
    """Return the means over seeds of what maps are worth, by kind of data and schedule."""
    found: dict[tuple[str, int, str], list[dict]] = {}
    for r in result["rows"]:
        found.setdefault((r["kind"], r["points"], r["method"]), []).append(r)
    names = {"fast": '**"fast"**', "opentsne": '"opentsne"', "openTSNE": "openTSNE"}
    measures = {
        "kl": ".3f", "recall_at_10": ".3f", "recall_at_90": ".3f", "label_accuracy": ".4f",
        "class_pieces": ".1f", "long_edges": ".3f", "class_arrangement": ".2f",
    }  # fmt: skip
    rows = [
        [
            f"{kind}, {points:,}" if method == "fast" else "", names[method], str(len(seen)),
            *(f"{sum(r[m] for r in seen) / len(seen):{form}}" for m, form in measures.items()),
        ]
        for (kind, points, method), seen in found.items()
    ]  # fmt: skip
    head = [
        "data", "schedule", "seeds", "KL", "recall at 10", "at 90", "5-NN accuracy",
        "pieces of classes", "affinity on long edges", "arrangement",
    ]  # fmt: skip
    return (
        "Schedules on data of many kinds, means over seeds, each of which draws the data anew "
        "(`python bench/schedules.py`; `bench/judge.py` says what is measured):\n\n"
        + _table(head, rows) + "![Maps by schedule](bench/figures/schedules.png)\n\n"
    )  # fmt: skip


def _accuracy(result: dict) -> str:
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
        "(`python bench/accuracy.py`; other layouts in the figure):\n\n" + _table(head, rows)
        + "![Error against time](bench/figures/accuracy.png)\n\n"
    )  # fmt: skip


def _scaling(result: dict) -> str:
    """Return seconds and memory by number of points."""
    rows = [
        [
            f"{r['points']:,}", NAMES[r["peer"]], str(r["threads"]), f"{r['seconds']:.1f} s",
            *(f"{r[key]:.1f} s" if key in r else "–" for key in ("neighbors", "optimization")),
            f"{1e3 * r['iteration']:.1f} ms" if "iteration" in r else "–",
            f"{r['peak_memory_bytes'] / 2**30:.2f} GiB",
        ]
        for r in result["rows"]
        if "seconds" in r
    ]  # fmt: skip
    head = ["points", "", "threads", "process", "neighbours", "optimisation", "iteration", "memory"]
    power = ", ".join(f"{k} {v:.2f}" for k, v in result["exponents"].items() if "bytes" not in k)
    return (
        "Growth, `python bench/scaling.py`; powers of N from 70,000 points on: "
        f"{power}.\n\n" + _table(head, rows)
        + "![Seconds against points](bench/figures/scaling.png)\n\n"
    )  # fmt: skip


def _limit(result: dict) -> str:
    """Return how far the stages are from the machine's limit."""
    rates = result["rates"]
    rows = [
        [
            r["stage"], f"{r['megabytes']:.0f} MB", f"{r['mega_operations'] / 1e3:.2f} G",
            f"{r['mega_divisions']:.0f} M",
            f"{r['floor_milliseconds']:.2f} ms", f"{r['milliseconds']:.1f} ms",
            f"{r['times_floor']:.1f}",
        ]
        for r in result["stages"]
    ]  # fmt: skip
    head = ["stage", "to move", "operations", "divisions", "floor", "time", "times the floor"]
    return (
        f"Distance from this machine's limit ({rates['read'] / 1e9:.0f} GB/s read, "
        f"{rates['float32'] / 1e9:.0f} G float32 operations and "
        f"{rates['division'] / 1e9:.0f} G divisions a second, "
        f"{rates['product'] / 1e9:.0f} GFLOP/s in matrix products; `python bench/limit.py`, which "
        "says what is counted):\n\n" + _table(head, rows)
    )


def _new_points(result: dict) -> str:
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
        f"{ours['new_process_largest_difference']:.0e}.\n\n" + _table(head, rows)
        + "![New digits on the map of others](bench/figures/new_points.png)\n\n"
    )  # fmt: skip


def _options(result: dict) -> str:
    """Return what options cost beside the defaults."""
    rows = [
        [
            r["option"], f"{r['seconds']:.1f} s", f"{r['by_defaults']:.2f}", str(r["iterations"]),
            f"{r['kl']:.3f}", f"{r['force_error']:.1e}", f"{r['theta']:.2f}",
        ]
        for r in result["rows"]
    ]  # fmt: skip
    head = ["option", "fit", "by defaults", "iterations", "KL", "force error", "θ at the end"]
    checks = result["checks"]
    return (
        f"Options, {result['points']:,} × 50 (`python bench/options.py`; KL divergences from "
        "different P, or kernels, do not compare). Of the default fit, measuring the force's error "
        f"takes {checks['force_error']:.1%}, checks as a whole {checks['check']:.1%}:\n\n"
        + _table(head, rows) + "![Maps by option](bench/figures/options.png)\n\n"
    )  # fmt: skip


def _variants(result: dict) -> str:
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
        "what is crowded; divergences by different q do not compare):\n\n" + _table(head, rows)
        + "![Maps from SNE to t-SNE](bench/figures/variants.png)\n\n"
    )  # fmt: skip


def _dynamic(result: dict) -> str:
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
        + _table(head, rows) + "![Maps of a sequence](bench/figures/dynamic.png)\n\n"
    )  # fmt: skip


def _memory(result: dict) -> str:
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
        "(`python bench/memory.py`):\n\n" + _table(head, rows)
    )


def _checkpoint(result: dict) -> str:
    """Return what a checkpoint costs."""
    return (
        f"A fit of {result['points']:,} points that is kept as it goes on, "
        f"{result['bytes'] / 2**20:.0f} MiB on the disk, takes {result['cost']:.1%} longer, the "
        f"median of pairs ({result['without']:.1f} and {result['with']:.1f} s; "
        "`python bench/checkpoint.py`).\n\n"
    )


def _drawing(result: dict) -> str:
    """Return how long pictures take."""
    sizes = list(dict.fromkeys(r["points"] for r in result["rows"]))
    rows = [
        [kind, *(f"{r['seconds']:.2f} s" for r in result["rows"] if r["kind"] == kind)]
        for kind in dict.fromkeys(r["kind"] for r in result["rows"])
    ]
    return (
        "Drawing, from a map and its labels to a PNG of about 1,400 × 1,400 pixels, medians "
        "(`python bench/drawing.py`; by itself `plot.save` takes densities from 200,000 points "
        "on):\n\n" + _table(["", *(f"{n:,} points" for n in sizes)], rows)
        + "![A million points as dots and as a density](bench/figures/drawing.png)\n\n"
    )  # fmt: skip


def _film(result: dict) -> str:
    """Return what a recording and its film cost."""
    rows = [
        [name.upper(), f"{result[name]['seconds']:.1f} s",
         f"{result[name]['bytes'] / 2**20:.0f} MiB"]
        for name in ("gif", "mp4") if name in result
    ]  # fmt: skip
    return (
        f"The film of a run of {result['points']:,} points: {result['frames']} maps are kept in "
        f"{result['memory'] / 2**20:.0f} MiB, which costs {result['recording']:.1f} s of "
        f"{result['optimization']:.1f} (`python bench/film.py`):\n\n"
        + _table(["", "time", "size"], rows)
    )  # fmt: skip


def _browser(result: dict) -> str:
    """Return what a page holds and how fast it moves."""
    rows = [
        [
            f"{r['points']:,}", f"{r['bytes'] / 1e6:.1f} MB", f"{r['open_seconds']:.1f} s",
            *(
                f"{r[move]['frames_per_second']:.0f}, of {r[move]['share_drawn']:.0%}"
                for move in ("pan", "zoom")
            ),
            f"{r['hover']['frames_per_second']:.0f}",
        ]
        for r in result["pages"]
    ]  # fmt: skip
    head = ["points", "HTML", "opens in", "frames/s, panning", "zooming", "hovering"]
    return (
        "A map as a page in headless Chromium without a graphics card; while it moves a page draws "
        "as many of its points as 30 frames a second allow, and all of them when it stands "
        "(`python bench/browser.py`):\n\n" + _table(head, rows)
    )


def _landmarks(result: dict) -> str:
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
        f"{placed['landmarks']:,} of them in {placed['placing_seconds'] / 60:.0f} minutes, "
        f"{placed['points_per_second']:,.0f} a second, after {placed['fit_seconds']:.0f} s for the "
        f"map; the process held {placed['peak_memory_bytes'] / 2**30:.2f} GiB at the most "
        "(`python bench/landmarks.py`). By Dask, on processes of one thread: "
        f"{rates['1']:,.0f} points a second by one and {rates['2']:,.0f} by two, "
        f"{shared['gain_by_second_worker']:.2f} times as many; a plain loop on one thread places "
        f"{rates['loop']:,.0f}, so that Dask costs {shared['overhead']:.1%}. A worker killed when "
        f"{killed['done_before']} of {killed['parts']} parts were done: {bits}.\n\n"
        f"{digits['points']:,} digits from {digits['landmarks']:,} landmarks, beside a map of all "
        "(200 iterations of all points refine):\n\n" + _table(head, rows)
        + "![Points placed on a map of landmarks](bench/figures/landmarks.png)\n\n"
    )  # fmt: skip


def section() -> str:
    """Return what the files at hand say."""
    parts = {
        "rivals": _rivals, "schedules": _schedules, "neighbors": _neighbors,
        "accuracy": _accuracy, "scaling": _scaling, "limit": _limit,
        "new_points": _new_points, "options": _options, "variants": _variants,
        "dynamic": _dynamic, "memory": _memory, "checkpoint": _checkpoint,
        "drawing": _drawing, "film": _film, "browser": _browser,
        "landmarks": _landmarks,
    }  # fmt: skip
    found = [(write, _load(name)) for name, write in parts.items()]
    return "\n" + "".join(write(result) for write, result in found if result is not None)


def main() -> None:
    """Replace the section between the marks."""
    readme = _README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    _README.write_text(before + MARKS[0] + section() + MARKS[1] + after, encoding="utf-8")


if __name__ == "__main__":
    main()
