"""Data and models that tests share: made once in a session, and only read."""

import pytest

from bhtsne import TSNE, datasets


@pytest.fixture(scope="session")
def digits():
    """Return the 1797 digits, an array of shape (1797, 64)."""
    return datasets.digits().X


@pytest.fixture(scope="session")
def fitted_digits(digits):
    """Return a TSNE fitted to the first 300 digits, after 50 early and 150 further iterations."""
    return TSNE(random_state=0, early_exaggeration_iter=50, n_iter=150, n_jobs=1).fit(digits[:300])
