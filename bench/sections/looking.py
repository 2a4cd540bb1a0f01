"""JSON of pictures, films and pages → what the README says of looking."""

from sections.tables import table


def drawing(result: dict) -> str:
    """Return how long pictures take."""
    sizes = list(dict.fromkeys(r["points"] for r in result["rows"]))
    rows = [
        [kind, *(f"{r['seconds']:.2f} s" for r in result["rows"] if r["kind"] == kind)]
        for kind in dict.fromkeys(r["kind"] for r in result["rows"])
    ]
    return (
        "Drawing, from a map and its labels to a PNG of about 1,400 × 1,400 pixels, medians "
        "(`python bench/drawing.py`; by itself `plot.save` takes densities from 200,000 points "
        "on):\n\n" + table(["", *(f"{n:,} points" for n in sizes)], rows)
        + "![A million points as dots and as a density](bench/figures/drawing.png)\n\n"
    )  # fmt: skip


def film(result: dict) -> str:
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
        + table(["", "time", "size"], rows)
    )  # fmt: skip


def browser(result: dict) -> str:
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
        "(`python bench/browser.py`):\n\n" + table(head, rows)
    )
