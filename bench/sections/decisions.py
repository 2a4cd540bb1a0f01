"""Results of the programs → the table of design decisions in docs/development.md."""

from sections.tables import table


def decisions(results: dict[str, dict]) -> str:
    """Return the table: decision, measurement, program."""
    rows = [
        row for describe in (_forces, _neighbors, _fits, _memory, _others)
        for row in describe(results)
    ]  # fmt: skip
    return "\n" + table(
        ["decision", "measurement", "program"],
        [[decision, figure, f"`bench/{name}.py`"] for decision, figure, name in rows],
    )


def _forces(results: dict) -> list[tuple[str, str, str]]:
    """Return the decisions about the repulsion."""
    rows = {
        (r["method"], r["theta"]): r
        for r in results["accuracy"]["rows"] if r["layout"] == "final map"
    }  # fmt: skip
    ours, tree = rows["bhtsne", 0.5], rows["openTSNE Barnes-Hut", 0.5]
    grid = next(r for (method, _), r in rows.items() if method == "openTSNE FFT")
    near, usual, far = (rows["bhtsne", theta] for theta in (0.2, 0.45, 0.8))
    return [
        (
            "a tree, not interpolation on a grid (FFT)",
            f"{grid['milliseconds'] / ours['milliseconds']:.0f} times as fast as the FFT of "
            f"openTSNE, at 1/{grid['rms'] / ours['rms']:.0f} of its error",
            "accuracy",
        ),
        (
            "cells with quadrupoles, not the mass alone",
            f"at θ = 0.5 an error of {ours['rms']:.0e} instead of {tree['rms']:.0e} of openTSNE's "
            "Barnes-Hut",
            "accuracy",
        ),
        (
            "θ = 0.45 by default",
            ", ".join(
                f"θ {theta}: {r['milliseconds']:.1f} ms, error {r['rms']:.0e}"
                for theta, r in ((0.2, near), (0.45, usual), (0.5, ours), (0.8, far))
            ),
            "accuracy",
        ),
    ]


def _neighbors(results: dict) -> list[tuple[str, str, str]]:
    """Return the decisions about the search for neighbours."""
    rows = {r["method"]: r for r in results["neighbors"]["rows"]}
    exact, trees, peer = (rows[name] for name in ("exact", "forest", "pynndescent"))
    return [
        (
            "exact search up to 60,000 points of 50 features",
            f"{exact['seconds']:.1f} s for 70,000; random trees take {trees['seconds']:.1f} s "
            f"with a recall of {trees['recall']:.4f}",
            "neighbors",
        ),
        (
            "own random trees for Euclidean distances",
            f"{trees['seconds']:.1f} s, pynndescent {peer['seconds']:.1f} s",
            "neighbors",
        ),
    ]


def _fits(results: dict) -> list[tuple[str, str, str]]:
    """Return the decisions about schedules, checks and checkpoints."""
    runs = {r["name"]: r for r in results["rivals"]["runs"]}
    fast, slow = (
        f"KL {runs[name]['final']['kl']:.3f} in {runs[name]['process_seconds']:.0f} s"
        for name in ("bhtsne", "bhtsne_slow")
    )
    checks = results["options"]["checks"]
    return [
        (
            "exaggeration that falls in steps, in half of the usual iterations",
            f'"fast" {fast}, "opentsne" {slow}',
            "rivals",
        ),
        (
            "each check measures the force error",
            f"{checks['force_error']:.1%} of a fit; all checks {checks['check']:.1%}",
            "options",
        ),
        (
            "a thread writes checkpoints",
            f"a fit takes {results['checkpoint']['cost']:.1%} longer",
            "checkpoint",
        ),
    ]


def _memory(results: dict) -> list[tuple[str, str, str]]:
    """Return the decisions about memory."""
    ratios = [
        max(r["estimated"].values()) / max(r["measured"].values())
        for r in results["memory"]["rows"]
    ]  # fmt: skip
    digits = {r["map"]: r["recall_at_10"] for r in results["landmarks"]["mnist"]["rows"]}
    return [
        (
            "a fit too large for memory is refused by an estimate",
            f"estimates are {min(ratios):.2f} to {max(ratios):.2f} of the measured memory",
            "memory",
        ),
        (
            "landmarks only where memory is short",
            f"recall at 10: {digits['uniform']:.3f}, refined {digits['uniform, refined']:.3f}, "
            f"full fit {digits['a full fit']:.3f}",
            "landmarks",
        ),
    ]


def _others(results: dict) -> list[tuple[str, str, str]]:
    """Return the decisions about new points and pictures."""
    ours, theirs = results["new_points"]["bhtsne"], results["new_points"]["openTSNE"]
    seconds = {
        r["kind"]: r["seconds"] for r in results["drawing"]["rows"] if r["points"] == 1_000_000
    }
    return [
        (
            "new points take few steps, of a length of their own",
            f"5-NN accuracy {ours['accuracy']:.3f} after {ours['seconds_after_neighbors']:.2f} s; "
            f"openTSNE {theirs['accuracy']:.3f}",
            "new_points",
        ),
        (
            "a density in place of dots for very many points",
            f"a million points: {seconds['density, classes']:.1f} s instead of "
            f"{seconds['dots, classes']:.1f} s",
            "drawing",
        ),
    ]
