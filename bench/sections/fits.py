"""JSON of fits, searches and schedules → their sections."""

import statistics

from sections.tables import NAMES, figure, gib, measured_on, table


def comparison(result: dict) -> str:
    """Return the table of this library and its peers, with the machine and the figure."""
    rows = [_library(record) for record in result["runs"]]
    peers = " ".join(record["name"] for record in result["runs"][1:])
    head = [
        "", "process, start to end", "exact KL", f"KL {result['target']:g} reached after",
        "recall at 10", "5-NN label accuracy", "pieces of classes", "peak memory",
    ]  # fmt: skip
    return (
        f"{result['points']:,} points of {result['features']} features, perplexity 30, "
        f"{result['threads']} threads, other options at the defaults of each library; one run of "
        f"`python bench/rivals.py --peers {peers}`.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("rivals", "KL divergence against seconds")
    )  # fmt: skip


def _library(record: dict) -> list[str]:
    """Return the row of one run."""
    peer, _, iterations = record["name"].partition(":")
    name = NAMES[peer] + (f", {int(iterations):,} iterations" if iterations else "")
    if "failed" in record:
        return [name, record["failed"], *["–"] * 6]
    reached, final = record["seconds_to_target"], record["final"]
    return [
        name, f"{record['process_seconds']:.0f} s", f"{final['kl']:.3f}",
        f"{reached:.0f} s" if reached else "not reached", f"{final['recall_at_10']:.3f}",
        f"{final['label_accuracy']:.4f}" if "label_accuracy" in final else "–",
        str(final.get("class_pieces", "–")), gib(record["peak_memory_bytes"]),
    ]  # fmt: skip


def rivals(result: dict) -> str:
    """Return the comparison with other libraries."""
    return comparison(result) + (
        "The KL divergence is exact, and that of the same affinities for all libraries.\n\n"
    )


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
        f"{first['threads']} threads; medians of processes that take turns "
        "(`python bench/neighbors.py`). With `--points 40000 100000` the program shows the number "
        "of points from which on the approximate search is faster than the exact one.\n\n"
        + measured_on(result["machine"]) + table(["", "time", "recall"], rows)
    )  # fmt: skip


def schedules(result: dict) -> str:
    """Return the quality of maps by data and schedule, one table for each machine."""
    text = (
        "Means over seeds; each seed draws new data (`python bench/schedules.py`; "
        "`bench/judge.py` defines the measures). No column is a time, so that rows of several "
        "runs stand in one table; the last column is the number of the run.\n\n"
    )
    for number, machine in enumerate(result["machines"], 1):
        text += f"Run {number}. {measured_on(machine)}"
    return text + _qualities(result["rows"]) + figure("schedules", "Maps by schedule")


def pieces(result: dict) -> str:
    """Return the pieces of MNIST's classes by both schedules."""
    rows = []
    for points, init in dict.fromkeys((r["points"], r["init"]) for r in result["rows"]):
        of = [r for r in result["rows"] if (r["points"], r["init"]) == (points, init)]
        for method in dict.fromkeys(r["method"] for r in of):
            maps = [r for r in of if r["method"] == method]
            whole = sum(r["class_pieces"] == 10 for r in maps)
            means = [statistics.mean(r[name] for r in maps) for name in ("kl", "recall_at_90")]
            rows.append([
                f"{points:,}", init, f'`"{method}"`', f"{whole} of {len(maps)}",
                f"{means[0]:.3f}", f"{means[1]:.4f}",
            ])  # fmt: skip
    head = ["points", "start", "schedule", "maps with ten whole classes", "KL", "recall at 90"]
    return (
        "Subsets of MNIST's digits, and all of them from a spectral start: maps whose ten classes "
        "are each in one piece, and means of all maps (`python bench/pieces.py`).\n\n"
        + measured_on(result["machine"]) + table(head, rows)
    )  # fmt: skip


def _qualities(measured: list[dict]) -> str:
    """Return the table of the means over seeds."""
    names = {"fast": '**"fast"**', "opentsne": '"opentsne"', "openTSNE": "openTSNE, the library"}
    order = list(names)
    found: dict[tuple[str, int, str, int], list[dict]] = {}
    for r in sorted(measured, key=lambda r: (r["points"], r["kind"], order.index(r["method"]))):
        key = r["kind"], r["points"], r["method"], r["machine"] + 1
        found.setdefault(key, []).append(r)
    forms = {
        "kl": ".3f", "recall_at_10": ".3f", "recall_at_90": ".3f", "label_accuracy": ".4f",
        "class_pieces": ".1f", "long_edges": ".3f", "class_arrangement": ".2f",
    }  # fmt: skip
    rows = [
        [
            f"{kind}, {points:,}", names[method], str(len(seeds)),
            *(f"{sum(r[m] for r in seeds) / len(seeds):{form}}" for m, form in forms.items()),
            str(run),
        ]
        for (kind, points, method, run), seeds in found.items()
    ]  # fmt: skip
    head = [
        "data", "schedule", "seeds", "KL", "recall at 10", "at 90", "5-NN accuracy",
        "pieces of classes", "affinity on long edges", "arrangement", "run",
    ]  # fmt: skip
    return table(head, rows)


def scaling(result: dict) -> str:
    """Return seconds and memory by number of points."""
    rows = [
        [
            f"{r['points']:,}", NAMES[r["peer"]], str(r["threads"]), f"{r['seconds']:.1f} s",
            *(f"{r[key]:.1f} s" if key in r else "–" for key in ("neighbors", "optimization")),
            f"{1e3 * r['iteration']:.1f} ms" if "iteration" in r else "–",
            gib(r["peak_memory_bytes"]),
        ]
        for r in result["rows"]
        if "seconds" in r
    ]  # fmt: skip
    head = ["points", "", "threads", "process", "neighbours", "optimisation", "iteration", "memory"]
    power = ", ".join(f"{k} {v:.2f}" for k, v in result["exponents"].items() if "bytes" not in k)
    return (
        "MNIST, and beyond 70,000 points its deformed digits (`python bench/scaling.py`). "
        f"Exponents of N from 70,000 points on: {power}.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("scaling", "Seconds against points")
    )  # fmt: skip


def limit(result: dict) -> str:
    """Return the time of each stage beside the least time that the machine allows."""
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
    head = ["stage", "memory traffic", "operations", "divisions", "least time", "time", "ratio"]
    return (
        f"The machine reads {rates['read'] / 1e9:.0f} GB/s and does "
        f"{rates['float32'] / 1e9:.0f} G float32 operations, {rates['division'] / 1e9:.0f} G "
        f"divisions and {rates['product'] / 1e9:.0f} GFLOP of matrix products a second "
        "(`python bench/limit.py`, whose docstring defines the counts).\n\n"
        + measured_on(result["machine"]) + table(head, rows)
    )  # fmt: skip


def options(result: dict) -> str:
    """Return the cost of options beside the defaults."""
    rows = [
        [
            r["option"], f"{r['seconds']:.1f} s", f"{r['by_defaults']:.2f}", str(r["iterations"]),
            f"{r['kl']:.3f}", f"{r['force_error']:.1e}", f"{r['theta']:.2f}",
        ]
        for r in result["rows"]
    ]  # fmt: skip
    head = ["option", "fit", "ratio", "iterations", "KL", "force error", "θ at the end"]
    checks = result["checks"]
    return (
        f"{result['points']:,} points of 50 features (`python bench/options.py`). The ratio is "
        "that of the time to the time of the defaults. KL divergences of different P or kernels "
        "cannot be compared. In the default fit the measurement of the force error takes "
        f"{checks['force_error']:.1%} of the time, all checks {checks['check']:.1%}.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
        + figure("options", "Maps by option")
    )  # fmt: skip
