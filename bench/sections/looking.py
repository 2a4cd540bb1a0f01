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


def live(result: dict) -> str:
    """Return the cost of a live page, and the maps that it shows."""
    rows = []
    for r in result["rows"]:
        received, drawn = r["received"], r["drawn"]
        rows.append([
            f"{r['points']:,}", f"{r['alone']['fit']:.1f} s",
            f"{received['time_by_alone']:.2f}", f"{received['maps_per_second']:.1f}",
            f"{drawn['time_by_alone']:.2f}", f"{drawn['maps_per_second']:.1f}",
        ])  # fmt: skip
    head = ["points", "fit alone", "time with a window that receives", "maps/s", "that draws",
            "maps/s"]  # fmt: skip
    return (
        "A run on a live page (`python bench/live.py`), times by that of a fit alone. A window "
        "that receives the maps and does not draw them costs what one with a graphics card costs "
        f"the processor. Headless Chromium {result['browser']} draws in software, on the cores "
        "that compute the map.\n\n"
        + measured_on(result["machine"]) + table(head, rows)
    )  # fmt: skip


def questions(result: dict) -> str:
    """Return the size of a page with neighbours, and the time of a scan and of a report."""
    several = ", ".join(map(str, result["perplexities"]))
    rows = [
        ["fit", f"{result['fit_seconds']:.1f} s", ""],
        ["page with neighbours", f"{result['page_seconds']:.1f} s",
         f"{result['page_bytes'] / 1e6:.1f} MB; {result['bytes_per_point']:.1f} bytes a point for "
         "neighbours and measures"],
        [f"scan of perplexities {several}", f"{result['scan_seconds']:.1f} s",
         f"{result['scan_by_fit']:.1f} fits"],
        ["report", f"{result['report_seconds']:.1f} s", f"{result['report_bytes'] / 1e6:.1f} MB"],
    ]  # fmt: skip
    return (
        f"What questions to a map of {result['points']:,} points cost, beside the fit (`python "
        "bench/questions.py`).\n\n"
        + measured_on(result["machine"]) + table(["", "time", ""], rows)
    )  # fmt: skip
