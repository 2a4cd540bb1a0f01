"""crowding: pairs add up to the whole gradient, the figure's shape, densities of distances."""

import numpy as np
import pytest
from scipy.integrate import trapezoid

from bhtsne import crowding, sne

D, d = np.meshgrid(np.linspace(0, 4, 81), np.linspace(0, 6, 121))


@pytest.mark.parametrize("variant", ["symmetric", "uni-sne", "t-sne"])
def test_pairs_add_up_to_the_gradient(variant):
    """With affinities and weights of one sum, p and s are relative to the same pair."""
    rng, n, background = np.random.default_rng(0), 30, 0.3
    Y = 2 * rng.normal(size=(n, 2))
    offset = Y[:, None] - Y
    distance = np.linalg.norm(offset, axis=2)
    w = 1 / (1 + distance**2) if variant == "t-sne" else np.exp(-(distance**2))
    np.fill_diagonal(w, 0)
    p = rng.random((n, n))
    np.fill_diagonal(p, 0)
    p = (p + p.T) / (p + p.T).sum() * w.sum()
    mean = w.sum() / (n * (n - 1))  # the background is a part of the mean weight, not of 1
    options = {
        "variant": variant,
        "background": background * mean / (1 - background + background * mean),
    }
    far = np.full((n, n), np.inf)
    with np.errstate(divide="ignore"):
        apart = np.sqrt(-np.log(p))
    push = crowding.pair_gradient(far, distance, **options)
    pull = crowding.pair_gradient(apart, distance, **options) - push
    held = 1.0
    if variant == "uni-sne":
        q = (1 - background) * w + background * mean
        held = (p * (1 - background) * w / q).sum() / w.sum()
    along = offset / np.where(distance > 0, distance, 1)[:, :, None]
    total = ((pull + held * push)[:, :, None] * along).sum(axis=1) / w.sum()
    whole = sne.gradient(p / p.sum(), Y, variant=variant, background=background)
    assert np.linalg.norm(total - whole) < 1e-6 * np.linalg.norm(whole)


def test_the_figure_has_its_published_shape():
    by = {v: crowding.pair_gradient(D, d, variant=v) for v in ("sne", "t-sne")}
    by["uni-sne"] = crowding.pair_gradient(D, d, variant="uni-sne", published=True)
    # SNE: however far two like points are, the pull grows; unlike ones are hardly pushed.
    assert (np.diff(by["sne"][:, 0]) > 0).all()
    assert -by["sne"].min() < 0.1 * by["sne"].max()
    # UNI-SNE pushes unlike points at any distance, but weakly while they are near.
    unlike = by["uni-sne"][:, -1]
    assert (unlike[1:] < 0).all()
    assert abs(unlike).max() < 0.3 * by["uni-sne"].max()
    assert abs(unlike[d[:, 0] < 1]).max() < 0.15 * by["uni-sne"].max()
    # t-SNE pushes unlike points that are near as much as it ever pulls, and leaves far ones alone.
    assert -by["t-sne"].min() > 0.9 * by["t-sne"].max()
    unlike = by["t-sne"][:, -1]
    assert d[unlike.argmin(), 0] < 1
    assert abs(unlike[d[:, 0] > 5]).max() < 0.03 * by["t-sne"].max()


@pytest.mark.parametrize("variant", ["sne", "t-sne"])
def test_attraction_turns_into_repulsion_where_the_similarities_are_equal(variant):
    here = np.array([0.2, 1.0, 2.0])
    even = np.sqrt(np.log1p(here**2)) if variant == "t-sne" else here
    assert crowding.pair_gradient(even, here, variant=variant) == pytest.approx(0, abs=1e-12)
    assert (crowding.pair_gradient(0.9 * even, here, variant=variant) > 0).all()
    assert (crowding.pair_gradient(1.1 * even, here, variant=variant) < 0).all()


def test_a_true_derivative_of_uni_sne_does_not_reach_far():
    true = crowding.pair_gradient(D, d, variant="uni-sne")
    assert abs(true[d > 4]).max() < 1e-3 * abs(true).max()
    same = crowding.pair_gradient(D, d, variant="uni-sne", background=0)
    assert np.allclose(same, crowding.pair_gradient(D, d, variant="sne"), rtol=1e-12, atol=0)


@pytest.mark.parametrize("n_dims", [1, 2, 3, 10])
def test_the_density_is_that_of_points_in_a_ball(n_dims):
    r = np.linspace(0, 1, 2001)
    density = crowding.distance_density(r, n_dims)
    assert trapezoid(density, r) == pytest.approx(1, abs=1e-5)
    assert (crowding.distance_density([1.5, 9], n_dims) == 0).all()
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, size=(400_000 if n_dims < 10 else 2_000_000, n_dims))
    radius = np.linalg.norm(points, axis=1)
    radius = radius[radius <= 1]
    near = trapezoid(np.where(r <= 0.8, density, 0), r)
    assert (radius < 0.8).mean() == pytest.approx(near, abs=0.015)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: crowding.pair_gradient(1.0, 1.0, variant="tsne"), "variant must be one of"),
        (lambda: crowding.pair_gradient(1.0, 1.0, background=-0.1), "background must be"),
        (lambda: crowding.pair_gradient(-1.0, 1.0), "data_distance must be at least 0"),
        (lambda: crowding.pair_gradient(1.0, np.nan), "map_distance must be at least 0"),
        (lambda: crowding.distance_density(0.5, 0), "n_dims must be at least 1"),
        (lambda: crowding.distance_density(-0.5, 2), "distance must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
