"""The camera that follows: nothing is cut off, nothing jumps; maps that are laid on each other."""

from itertools import pairwise

import numpy as np
import pytest
from test_plot import blobs

from bhtsne.plot.camera import aligned, followed

RANDOM = np.random.default_rng(0)
SHAPE = RANDOM.normal(size=(200, 2))


def growing(widths, moved=0.0):
    """Return maps of these widths that change a little, their middles off by a part of that."""
    maps = [w * (SHAPE + 0.05 * RANDOM.normal(size=SHAPE.shape)) for w in widths]
    return [Y + moved * np.ptp(Y) * RANDOM.normal(size=2) for Y in maps]


RUN = np.concatenate([np.geomspace(1e-4, 1, 6), np.linspace(1, 3, 30), np.linspace(3, 100, 40)])


@pytest.mark.parametrize("moved", [0.0, 0.1])
def test_a_run_is_never_cut_off_and_fills_the_view(moved):
    seen = followed(growing(RUN, moved))
    largest = np.array([np.abs(Y).max() for Y in seen])
    assert (largest <= 1 + 1e-9).all()
    assert (largest > 0.5).all()
    assert largest[0] > 0.9
    # on the way from one map to the next, points are between two places that are seen
    assert all(np.abs((a + b) / 2).max() <= 1 for a, b in pairwise(seen))


def test_one_point_that_leaps_out_for_one_map_makes_no_jump():
    maps = growing(np.linspace(1, 2, 40))
    maps[20][0] = [15, 0]
    near = np.array([np.median(np.abs(Y)) for Y in followed(maps)])
    alone = np.array([np.median(np.abs(Y)) / np.abs(Y).max() for Y in maps])
    assert np.abs(np.diff(np.log(near))).max() < 0.4 * np.abs(np.diff(np.log(alone))).max()
    assert np.abs(followed(maps)[20]).max() <= 1 + 1e-9


def test_a_width_that_trembles_with_stray_points_is_calmed():
    widths = 10 * np.exp(0.3 * RANDOM.normal(size=80))
    maps = [np.concatenate([[[-w, 0], [w, 0]], SHAPE]) for w in widths]
    zoom = np.log([np.ptp(Y) / np.ptp(seen) for Y, seen in zip(maps, followed(maps), strict=True)])
    assert np.diff(zoom).std() < 0.3 * np.diff(np.log(widths)).std()


def test_the_view_is_the_same_for_a_run_that_is_moved_or_scaled():
    maps = growing(RUN, 0.1)
    seen = followed(maps)
    for other in ([Y - 7 for Y in maps], [1e3 * Y for Y in maps]):
        for a, b in zip(seen, followed(other), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_one_map_and_one_spot():
    (seen,) = followed([5 + 3 * SHAPE])
    assert np.abs(seen).max() == pytest.approx(1)
    assert np.ptp(seen[:, 0]) / np.ptp(seen[:, 1]) == pytest.approx(
        np.ptp(SHAPE[:, 0]) / np.ptp(SHAPE[:, 1])
    )
    assert all(np.isfinite(Y).all() for Y in followed([np.ones((3, 2)), SHAPE[:3]]))


def turned(Y, angle, mirror, scale, shift):
    c, s = np.cos(angle), np.sin(angle)
    return scale * Y @ np.array([[c, s], [-s, c]]) * [1, mirror] + shift


def test_maps_that_differ_by_turn_mirror_scale_and_shift_are_laid_on_the_first():
    Y, _ = blobs(60)
    moves = [(0.0, 1, 1, 0), (2.0, -1, 0.1, 5), (-1.0, 1, 30, -7)]
    rows = [np.arange(60)] * 3
    for laid in aligned([turned(Y, *move) for move in moves], rows):
        np.testing.assert_allclose(laid, Y, atol=1e-9)


def test_the_points_that_two_maps_share_decide():
    Y, _ = blobs(80)
    rows = [np.arange(60), np.random.default_rng(1).permutation(np.arange(20, 80))]
    first, second = Y[rows[0]], turned(Y[rows[1]], 1.0, -1, 2, 3)
    np.testing.assert_allclose(aligned([first, second], rows)[1], Y[rows[1]], atol=1e-9)


def test_maps_that_share_too_little_stay_as_they_are():
    for rows in ([np.arange(3), np.arange(3, 6)], [np.arange(3), np.array([0, 7, 8])]):
        np.testing.assert_array_equal(aligned([SHAPE[:3], SHAPE[3:6]], rows)[1], SHAPE[3:6])
    one = np.ones((3, 2))
    np.testing.assert_array_equal(aligned([SHAPE[:3], one], [np.arange(3)] * 2)[1], one)


def test_a_line_is_turned_round():
    x = RANDOM.normal(size=(30, 1))
    np.testing.assert_allclose(aligned([x, 4 - x], [np.arange(30)] * 2)[1], x, atol=1e-9)
