"""JSON of each program → its section of docs/performance.md, in the order of the page."""

from sections import costs, fits, looking, parts

SECTIONS = {
    "Comparison with other libraries": {"rivals": fits.rivals},
    "Growth with the number of points": {"scaling": fits.scaling},
    "Threads": {"threads": costs.threads},
    "First and later runs": {"starting": costs.starting, "first_run": costs.first_run},
    "Schedules": {"schedules": fits.schedules, "pieces": fits.pieces},
    "Options": {"options": fits.options},
    "Search for neighbours": {"neighbors": fits.neighbors},
    "Symmetric affinities": {"addition": costs.addition},
    "Accuracy of the repulsion": {"accuracy": parts.accuracy},
    "Distance from the limit of the machine": {"limit": fits.limit},
    "New points": {"new_points": parts.new_points},
    "From SNE to t-SNE": {"variants": parts.variants},
    "Sequences": {"dynamic": parts.dynamic},
    "Landmarks": {"landmarks": costs.landmarks},
    "Memory and checkpoints": {"memory": costs.memory, "checkpoint": costs.checkpoint},
    "Pictures, films and pages": {
        "drawing": looking.drawing, "film": looking.film, "browser": looking.browser,
        "live": looking.live, "questions": looking.questions,
    },
}  # fmt: skip
