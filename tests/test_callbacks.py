"""How callbacks are given and heard, in a fit and after it."""

import numpy as np
import pytest

from bhtsne import SNE, TSNE

X = np.random.default_rng(0).normal(size=(100, 4))
QUICK = {"n_iter": 20, "early_exaggeration_iter": 20, "callback_every": 10, "random_state": 0}


@pytest.mark.parametrize(
    ("answer", "stops"),
    [(True, True), (np.True_, True), (False, False), (np.False_, False), (1, False),
     (None, False), ([1], False), (np.ones(2), False)],
)  # fmt: skip
@pytest.mark.parametrize("kind", [TSNE, SNE])
def test_a_true_bool_stops_and_nothing_else(kind, answer, stops):
    model = kind(callbacks=lambda record, Y: answer, **QUICK).fit(X)
    assert (model.n_iter_, model.stopped_) == ((10, "callback") if stops else (40, None))


def test_optimize_and_add_have_callbacks_of_their_own():
    model, seen = TSNE(perplexity=5, **QUICK).fit(X[:90]), []
    watched = {"callbacks": lambda record, Y: seen.append(len(Y)), "callback_every": 5}
    model.optimize(10, **watched).add(X[90:], n_iter=10, **watched)
    assert seen == [90, 90, 100, 100]
    with pytest.raises(TypeError, match="callbacks must be a function or a list"):
        model.optimize(1, callbacks=3)


def test_begin_sees_all_iterations_once():
    class Watch:
        left = ()

        def begin(self, state):
            self.left = (*self.left, sum(phase.n_iter for phase in state.left))

        def __call__(self, record, Y):
            pass

    watch = Watch()
    SNE(variant="uni-sne", callbacks=watch, **QUICK).fit(X)
    assert watch.left == (40,)


def test_an_automatic_learning_rate_is_that_of_all_points():
    model = TSNE(perplexity=5, **QUICK).fit(X[:60])
    assert model.add(X[60:], n_iter=5)._last_phase.rate(100) == 100
    fixed = TSNE(perplexity=5, learning_rate=7.0, **QUICK).fit(X[:60])
    assert fixed.add(X[60:], n_iter=5)._last_phase.learning_rate == 7


def test_a_start_that_is_given_is_where_new_points_begin():
    model = TSNE(perplexity=5, **QUICK).fit(X[:60])
    placed = model.transform(X[60:])
    assert np.array_equal(model.transform(X[60:], init=placed, n_iter=0), placed)
    assert model.transform(X[60:], n_neighbors=3).shape == placed.shape
    with pytest.raises(ValueError, match="init must be one of"):
        model.transform(X[60:], init=placed[:3])
