"""JSON of scaling → the chart of the time of a fit by points and cores, and its text."""

from pathlib import Path

import matplotlib.pyplot as plt

from sections.tables import figure, measured_on, table

_COLOURS = {1: "#b5651d", 2: "#1f6f8b", 4: "#2e7d4f", 8: "#6a4c93", 16: "#a23b5f"}


def fits(result: dict) -> dict[int, list[dict]]:
    """Return the fits of this library by the number of cores, each in the order of points."""
    rows = [r for r in result["rows"] if r["peer"] == "bhtsne" and "seconds" in r]
    cores = sorted({r["threads"] for r in rows})
    order = sorted(rows, key=lambda r: r["points"])
    return {n: [r for r in order if r["threads"] == n] for n in cores}


def words(seconds: float) -> str:
    """Return a duration with its unit."""
    return f"{seconds:.1f} s" if seconds < 10 else (
        f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
    )  # fmt: skip


def text(result: dict, comparison: dict) -> str:
    """Return the chart, its table, and the time of the same fit on the machine of another one."""
    by_cores = fits(result)
    times = {(r["points"], n): words(r["seconds"]) for n, rows in by_cores.items() for r in rows}
    cores = sorted(by_cores, reverse=True)
    points = sorted({n for n, _ in times})
    rows = [[f"{n:,}", *(times.get((n, c), "–") for c in cores)] for n in points]
    head = ["points", *(f"{c} core{'s' * (c > 1)}" for c in cores)]
    other = min(r["process_seconds"] for r in comparison["runs"] if r["name"] == "bhtsne")
    same = times[comparison["points"], comparison["threads"]]
    return (
        "Points of 50 features at the defaults, from the start of the process to the finished "
        "map, after compilation. From 70,000 points on the time grows as "
        f"N^{result['exponents']['seconds']:.2f} (`python bench/scaling.py`).\n\n"
        + measured_on(result["machine"])
        + figure("durations", "Time of a fit by points and cores") + table(head, rows)
        + "Processors differ: on that of the next section a fit of "
        f"{comparison['points']:,} points takes {words(other)} instead of {same}.\n\n"
    )  # fmt: skip


def draw(result: dict, path: Path) -> None:
    """Draw the time of a fit against points, one line for each number of cores."""
    picture, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for cores, rows in fits(result).items():
        points, seconds = [r["points"] for r in rows], [r["seconds"] for r in rows]
        name = f"{cores} core{'s' * (cores > 1)}"
        ax.plot(points, seconds, marker="o", color=_COLOURS.get(cores), label=name)
        above = cores == 1
        for n, s in zip(points, seconds, strict=True):
            ax.annotate(
                words(s), (n, s), (0, 8) if above else (10, -15), textcoords="offset points",
                ha="center", fontsize=9, color=_COLOURS.get(cores),
            )  # fmt: skip
    ax.set(
        xscale="log", yscale="log", xlim=(700, 1.8e6), ylim=(0.6, 400), xlabel="points",
        title="Time of a fit, from the start of the process to the map",
    )  # fmt: skip
    ticks = {1: "1 s", 10: "10 s", 60: "1 min", 300: "5 min"}
    ax.set_yticks(list(ticks), ticks.values(), minor=False)
    sizes = {1_000: "1,000", 10_000: "10,000", 100_000: "100,000", 1_000_000: "1 million"}
    ax.set_xticks(list(sizes), sizes.values())
    ax.minorticks_off()
    ax.grid(color="#dddddd", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="upper left")
    picture.savefig(path, dpi=150, metadata={"Software": None})
    plt.close(picture)
