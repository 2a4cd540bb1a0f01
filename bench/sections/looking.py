"""JSON of pictures, films and pages → their sections."""

from sections.tables import figure, measured_on, table


def drawing(result: dict) -> str:
    """Return the time of drawing a map."""
    sizes = list(dict.fromkeys(r["points"] for r in result["rows"]))
    rows = [
        [kind, *(f"{r['seconds']:.2f} s" for r in result["rows"] if r["kind"] == kind)]
        for kind in dict.fromkeys(r["kind"] for r in result["rows"])
    ]
    return (
        "From a map and its labels to a PNG of about 1,400 × 1,400 pixels, medians (`python "
        "bench/drawing.py`). `plot.save` draws a density from 200,000 points on.\n\n"
        + measured_on(result["machine"]) + table(["", *(f"{n:,} points" for n in sizes)], rows)
        + figure("drawing", "A million points as dots and as a density")
    )  # fmt: skip


def film(result: dict) -> str:
    """Return the cost of a recording and its film."""
    rows = [
        [name.upper(), f"{result[name]['seconds']:.1f} s",
         f"{result[name]['bytes'] / 2**20:.0f} MiB"]
        for name in ("gif", "mp4") if name in result
    ]  # fmt: skip
    return (
        f"The film of a run of {result['points']:,} points: {result['frames']} maps, "
        f"{result['memory'] / 2**20:.0f} MiB in memory. The recording takes "
        f"{result['recording']:.1f} s of the {result['optimization']:.1f} s of the optimisation "
        "(`python bench/film.py`).\n\n"
        + measured_on(result["machine"]) + table(["", "time", "size"], rows)
    )  # fmt: skip


def browser(result: dict) -> str:
    """Return size and frame rates of a map as a page."""
    rows = [
        [
            f"{r['points']:,}", f"{r['bytes'] / 1e6:.1f} MB", f"{r['open_seconds']:.1f} s",
            *(
                f"{r[move]['frames_per_second']:.0f}, with {r[move]['share_drawn']:.0%}"
                for move in ("pan", "zoom")
            ),
            f"{r['hover']['frames_per_second']:.0f}",
        ]
        for r in result["pages"]
    ]  # fmt: skip
    head = ["points", "HTML", "time to open", "frames/s, panning", "zooming", "hovering"]
    return (
        f"A map as a page in headless Chromium {result['browser']} without a graphics card "
        "(`python bench/browser.py`). During movement the page draws only the share of points "
        "that 30 frames a second allow; at rest it draws all of them.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
    )  # fmt: skip
