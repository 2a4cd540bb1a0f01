"""Figures of a report → sentences for readers who are no experts, by section."""

from typing import Any, NamedTuple

from bhtsne.reporting.findings import Findings

__all__ = ["Section", "sections"]


class Section(NamedTuple):
    """A section: its title, sentences, and the names of its pictures."""

    title: str
    text: list[str]
    pictures: tuple[str, ...] = ()


def sections(model: Any, found: Findings) -> list[Section]:
    """Return the sections in their order."""
    parts = [_overview(model, found), _errors(model, found), _starts(found), _shuffled(found)]
    return [part for part in [*parts, _forces(model)] if part is not None]


def _overview(model: Any, found: Findings) -> Section:
    dominated = (
        []
        if found.dominance is None
        else [f"{found.dominance}. If the features have different units, standardize them first."]
    )
    return Section(
        "The map",
        [
            "Points that lie close together on this map have similar values in the data. The axes "
            "have no meaning or unit, and neither have the sizes of groups nor the gaps between "
            "them.",
            f"The KL divergence, which the method lowers, is {model.kl_divergence_:.3f} after "
            f"{model.n_iter_} iterations.",
            *dominated,
        ],
        ("map",),
    )


def _errors(model: Any, found: Findings) -> Section:
    if found.kept_by_point is None:
        return Section(
            "Where it is wrong",
            ["Lighter points contribute more to the KL divergence: the map places them worst."],
            ("errors",),
        )
    lost = int((found.kept_by_point == 0).sum())
    alone = (
        f"{lost:,} points have none of their 10 neighbours beside them; do not read the places of "
        "these. "
    )
    return Section(
        "Where it is wrong",
        [
            f"Of the 10 points most similar to a point, the map keeps {found.kept:.0%} among "
            "its 10 nearest on average, as the first picture shows for each point. A plane cannot "
            "hold all neighbours of data of many dimensions, so that a fraction well below 100% is "
            "usual.",
            f"{alone if lost else ''}The second picture shows the contribution of each point to "
            "the KL divergence, where lighter is worse.",
        ],
        ("kept", "errors"),
    )


def _starts(found: Findings) -> Section:
    recurring = found.recurring
    if recurring >= 0.6:
        meaning = "which points lie together hardly depends on the start."
    elif recurring >= 0.35:
        meaning = "groups recur, while the places of points within them depend on the start."
    else:
        meaning = "much of the map depends on the start: trust only what recurs."
    return Section(
        "What recurs with other starts",
        [
            "The map was computed again from two random starts. Of the 10 nearest points on the "
            f"map, {recurring:.0%} are among the 10 nearest there on average: {meaning}",
        ],
        ("recurring",),
    )


def _shuffled(found: Findings) -> Section | None:
    if found.kept_shuffled is None or found.kept_sample is None:
        return None
    clear = found.kept_sample > 1.5 * found.kept_shuffled or (
        found.kl_sample is not None
        and found.kl_shuffled is not None
        and found.kl_sample < 0.8 * found.kl_shuffled
    )
    return Section(
        "Is it more than noise?",
        [
            "Each column was shuffled on its own, which leaves its values as they are and removes "
            "all that links the columns. A map of these data shows what the method makes of noise.",
            f"On {found.n_sample:,} points, the map of the data keeps {found.kept_sample:.0%} of "
            f"10 neighbours at a KL divergence of {found.kl_sample:.3f}; that of shuffled columns "
            f"keeps {found.kept_shuffled:.0%} at {found.kl_shuffled:.3f}.",
            "The data have structure that the shuffled columns lack."
            if clear
            else "The two differ little: groups on this map may be noise.",
        ],
    )


def _forces(model: Any) -> Section | None:
    if not model.history_:
        return None
    error = model.history_[-1].force_error
    if error == 0:
        return Section("Accuracy", ["All pairs of points were computed exactly."])
    return Section(
        "Accuracy",
        [
            f"The repulsion of distant points was approximated, with a relative error of "
            f"{error:.0e} at the end (θ = {model.theta_:.2g}), as measured against the sums over "
            "all pairs for a sample of points.",
        ],
    )
