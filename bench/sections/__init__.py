"""The JSON of each program → its part of the README, in the order in which they stand there."""

from sections import costs, fits, looking, parts

_IN = {
    "rivals": fits,
    "schedules": fits,
    "neighbors": fits,
    "accuracy": parts,
    "scaling": fits,
    "limit": fits,
    "new_points": parts,
    "options": fits,
    "variants": parts,
    "dynamic": parts,
    "memory": costs,
    "checkpoint": costs,
    "drawing": looking,
    "film": looking,
    "browser": looking,
    "landmarks": costs,
}
PARTS = {name: getattr(module, name) for name, module in _IN.items()}
