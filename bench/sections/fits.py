"""JSON of whole fits, and of searches and schedules → what the README says of them."""

from sections.tables import NAMES, table


def rivals(result: dict) -> str:
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
        f"`python bench/rivals.py --peers {peers}`:\n\n" + table(head, rows)
        + "![KL divergence against seconds](bench/figures/rivals.png)\n\n"
    )  # fmt: skip


def neighbors(result: dict) -> str:
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
        "\n\n" + table(["", "time", "recall"], rows)
    )


def schedules(result: dict) -> str:
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
        + table(head, rows) + "![Maps by schedule](bench/figures/schedules.png)\n\n"
    )  # fmt: skip


def scaling(result: dict) -> str:
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
        f"{power}.\n\n" + table(head, rows)
        + "![Seconds against points](bench/figures/scaling.png)\n\n"
    )  # fmt: skip


def limit(result: dict) -> str:
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
        "says what is counted):\n\n" + table(head, rows)
    )


def options(result: dict) -> str:
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
        + table(head, rows) + "![Maps by option](bench/figures/options.png)\n\n"
    )  # fmt: skip
