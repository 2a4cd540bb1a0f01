"""layers: activations of any shape and kind become points, and maps that lie on each other."""

import numpy as np
import pytest

from bhtsne import TSNE, datasets, layers, metrics

rng = np.random.default_rng(0)


class Tensor:
    """What NumPy can't read before it is taken out of a graph, as PyTorch's tensors can't be."""

    def __init__(self, A):
        self.A = A

    def detach(self):
        return Read(self.A)


class Read(Tensor):
    def cpu(self):
        return self

    def float(self):
        return Read(self.A.astype(np.float32))

    def __array__(self, dtype=None, copy=None):
        return self.A


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_few_units_are_kept_as_they_are(dtype):
    A = (10 * rng.normal(size=(30, 4, 3))).astype(dtype)
    for given in (A, Tensor(A), A.tolist()):
        X = layers.points(given)
        assert X.dtype == np.float32
        assert (A.reshape(30, 12).astype(np.float32) == X).all()
    assert layers.points(A, None).shape == (30, 12)


def test_many_units_are_reduced_with_their_distances():
    hidden = rng.normal(size=(200, 20)) @ rng.normal(size=(20, 300))
    X = layers.points(hidden.reshape(200, 3, 10, 10))
    assert X.shape == (200, 50)
    before, after = (np.linalg.norm(A[:50, None] - A[None, :50], axis=2) for A in (hidden, X))
    assert np.allclose(before, after, rtol=1e-3, atol=1e-3)


def test_units_that_never_differ_do_not_count():
    A = np.ones((40, 100))
    A[:, 7] = rng.normal(size=40)
    assert (layers.points(A) == A[:, [7]].astype(np.float32)).all()
    assert (layers.points(np.ones((40, 100))) == 1).all()
    assert layers.points(rng.normal(size=(10, 100))).shape == (10, 10)


def test_maps_lie_on_each_other_and_a_dead_layer_is_finite():
    X, y, _ = datasets.digits()
    X, y = X[:300] / 16, y[:300]
    mirrored = X[:, ::-1] * 3
    tsne = TSNE(perplexity=10, random_state=0)
    made = layers.maps([X, mirrored, np.zeros((300, 80))], tsne)
    assert all(Y.shape == (300, 2) and np.isfinite(Y).all() for Y in made)
    assert (made[0] == TSNE(perplexity=10, random_state=0).fit_transform(layers.points(X))).all()
    # Mirrored pixels have the same distances: the same map, but for how it lies.
    turned = metrics.align(made[1], made[0])
    assert np.allclose(turned.Y, made[1], atol=1e-3 * abs(made[1]).max())
    assert metrics.neighbor_hit(made[1], y) > 0.8
    assert not hasattr(tsne, "embedding_")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.points(np.full((9, 3), np.nan)), "activations must be finite"),
        (lambda: layers.points(np.ones((1, 3))), "2 inputs or more"),
        (lambda: layers.points(3.0), r"of shape \(\)"),
        (lambda: layers.points(["a", "b"]), "must be real numbers"),
        (lambda: layers.points(np.ones((9, 3)) * 1j), "got complex128"),
        (lambda: layers.points(np.ones((9, 3)), 0), "n_features must be at least 1"),
        (lambda: layers.maps([]), "same inputs"),
        (lambda: layers.maps([np.ones((9, 3)), np.ones((8, 3))]), r"\[9, 8\] inputs"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
