"""A map, neighbours, or the state of a run → messages to a page."""

import json
from typing import Any

import numpy as np

from bhtsne.browser.content import quantised
from bhtsne.browser.markup import Arrays, message, packed_neighborhoods
from bhtsne.browser.neighborhoods import neighborhoods

__all__ = ["map_message", "neighbors_message", "status_message"]


def map_message(Y: np.ndarray, **values: Any) -> bytes:
    """Return a map, in steps of the square around it, with further values by name."""
    arrays = Arrays()
    places = arrays.put(quantised([Y])[0])
    return message({"type": "map", "places": places, **values}, arrays)


def neighbors_message(found: Any, Y: np.ndarray, kept: bool) -> bytes:
    """Return neighbours, with those that a map keeps if it is final."""
    arrays = Arrays()
    places = quantised([Y])[0]
    near = neighborhoods(found, [Y] if kept else [], places)
    described = packed_neighborhoods(near, arrays.put)
    return message({"type": "near", "places": arrays.put(places), **described}, arrays)


def status_message(**values: Any) -> str:
    """Return the state of a run."""
    return json.dumps({"type": "status", **values})
