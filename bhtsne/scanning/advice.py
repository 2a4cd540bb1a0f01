"""Measures of a scan → two sentences of advice, with the figures that they follow from."""

from bhtsne.scanning.results import Agreement, ScannedMap, title

__all__ = ["advice"]

# Difference of a fraction of neighbours below which two maps count as equal.
_EQUAL = 0.01
_FIRM, _LOOSE = 0.6, 0.35  # agreement of seeds


def advice(maps: list[ScannedMap], agreements: list[Agreement]) -> tuple[str, str]:
    """Return a sentence on the choice of a map, and one on how far to trust it."""
    return _choice(maps), _trust(maps, agreements)


def _choice(maps: list[ScannedMap]) -> str:
    maps = [one for one in maps if one.cell.seed == maps[0].cell.seed]
    if len(maps) == 1:
        return (
            f"The only map, at {title(maps[0].cell)}, keeps {maps[0].recall_10:.0%} of the 10 "
            f"nearest neighbours and {maps[0].recall_100:.0%} of the 100 nearest; scan several "
            "perplexities to compare."
        )
    near = max(maps, key=lambda one: one.recall_10)
    far = max(maps, key=lambda one: one.recall_100)
    if far.recall_100 - near.recall_100 < _EQUAL:
        return (
            f"The map at {title(near.cell)} is the one to begin with: it keeps "
            f"{near.recall_10:.0%} of the 10 nearest neighbours and {near.recall_100:.0%} of the "
            "100 nearest, and no other keeps clearly more."
        )
    return (
        f"For the nearest neighbours and small groups take {title(near.cell)}, which keeps "
        f"{near.recall_10:.0%} of 10 neighbours (and {near.recall_100:.0%} of 100); for larger "
        f"structure take {title(far.cell)}, which keeps {far.recall_100:.0%} of 100 (and "
        f"{far.recall_10:.0%} of 10)."
    )


def _trust(maps: list[ScannedMap], agreements: list[Agreement]) -> str:
    if agreements:
        best = max(agreements, key=lambda one: one.share)
        where = f"perplexity {best.perplexity:g}"
        if best.exaggeration != 1:
            where += f" and exaggeration {best.exaggeration:g}"
        figure = f"{best.share:.0%} of each point's 10 neighbours on the map recur with another"
        if best.share >= _FIRM:
            meaning = "which points lie together hardly depends on the start"
        elif best.share >= _LOOSE:
            meaning = "groups recur, while the places of points within them depend on the start"
        else:
            meaning = "much depends on the start: trust only what recurs on all maps"
        return f"At {where}, {figure} seed, so that {meaning}."
    correlations = [one for one in maps if one.distance_correlation == one.distance_correlation]
    if not correlations:
        return (
            "How far the maps depend on the start is not known from one seed; scan with seeds=3 to "
            f"see which of the {len(maps[0].Y):,} points keep their neighbours."
        )
    best_map = max(correlations, key=lambda one: one.distance_correlation)
    best_of = " highest" if len(correlations) > 1 else ""
    return (
        f"The correlation of distances on the map with those in the data is{best_of} "
        f"{best_map.distance_correlation:.2f}, at {title(best_map.cell)}: "
        + (
            "distances between groups can be compared with care."
            if best_map.distance_correlation >= 0.6
            else "do not read distances between groups as distances in the data."
        )
    )
