"""What the sections share: a table in Markdown, and how libraries are called."""

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
