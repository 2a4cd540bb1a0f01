"""Rows, machines and figures → Markdown, for all sections of the report."""

NAMES = {
    "bhtsne": "**bhtsne**", "bhtsne_cold": "bhtsne, first run (compiles)",
    "bhtsne_slow": 'bhtsne, `schedule="opentsne"`', "opentsne_fft": "openTSNE, FFT",
    "opentsne_bh": "openTSNE, Barnes-Hut", "sklearn": "scikit-learn",
    "sklearnex": "scikit-learn-intelex", "umap": "UMAP",
}  # fmt: skip


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def measured_on(machine: dict) -> str:
    """Return a line with the machine and the date of a measurement, see `machine.describe`."""
    return (
        f"*Processor: {machine['processor']}; vector units: {machine['vector_units']}; "
        f"cores: {machine['cores']}; date: {machine['date']}.*\n\n"
    )


def figure(name: str, caption: str) -> str:
    """Return a figure of bench/figures, seen from docs/."""
    return f"![{caption}](../bench/figures/{name}.png)\n\n"


def gib(size: float) -> str:
    """Return a number of bytes in GiB."""
    return f"{size / 2**30:.2f} GiB"
