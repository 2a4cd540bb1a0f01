"""What a call may come to, a finite result or one clear refusal; and the pools of odd arguments."""

import os
import re
import warnings
from collections import Counter
from functools import wraps

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

LONG = os.environ.get("BHTSNE_LONG") == "1"
executed: Counter = Counter()

# What scikit-learn says of the table that is fitted, without a name.
OF_TABLES = (
    "Found array with", "Expected 2D array", "Complex data not supported", "could not convert",
    "Expected 2D input", "setting an array element", "dtype", "features, but", "Input contains",
    "must be a real number, not", "must be a string or a real number",
    "only supports 2D", "dimensional array", "feature names",
)  # fmt: skip


def examples(long, **strategies):
    """Make a test a property of drawn arguments; `long` examples of it are run if there is time."""

    def decorate(function):
        @wraps(function)
        def counted(*args, **drawn):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "perplexity .* is too large", UserWarning)
                warnings.filterwarnings("ignore", "Data was converted to boolean", UserWarning)
                function(*args, **drawn)
            executed[function.__name__] += 1  # to its end

        if LONG:
            counted = settings(max_examples=long)(counted)
        return given(**strategies)(counted)

    return decorate


def outcome(call, *names, table=False):
    """Return what a call returns, or None where a sentence that names one of these refuses it.

    `table`: scikit-learn's sentences about the table that is fitted will do.
    """
    try:
        return call()
    except (MemoryError, FloatingPointError):
        return None
    except (ValueError, TypeError) as error:
        refusal = error
    said = str(refusal)
    named = [name for name in names if re.search(rf"(?<![a-z]){re.escape(name)}", said, re.I)]
    assert named or (table and any(part in said for part in OF_TABLES)), repr(refusal)
    return None


def assert_finite(value):
    """Assert that every number in a result is finite."""
    if sparse.issparse(value):
        value.check_format()
        value = value.data
    if isinstance(value, tuple | list):
        for part in value:
            assert_finite(part)
    else:
        assert np.isfinite(value).all(), value


class Odd:
    """An object of no use."""

    def __repr__(self):
        return "Odd()"


def nothing(*_):
    """Be a function of anything."""


def odd_values():
    """Return a strategy of values that no parameter, or only some, can take."""
    return st.sampled_from(
        [
            None, True, False, np.True_, "", "auto", "exact", "no such", "pca", b"bytes",
            0, 1, 2, 3, -1, 7, 2**31, 2**70, -(2**70), 10**400, 0.0, -0.0, 0.5, 1.5, -1.5, 5e-324,
            1e-300, 1e-30, 1e-10, 1e6, 1e15, 1e38, 1e300, np.nan, np.inf, -np.inf, 1 + 2j, 3j,
            np.float16(2), np.float32(1e30), np.float64(0.5), np.int8(3), np.uint64(2**63),
            np.longdouble("1e4000"), np.array(2), np.array([2.0]), np.array([]),
            np.array([1.0, np.nan]), np.zeros((2, 2)), np.array(["a"]), np.array([None]),
            [], [1], [1.5, 2], ["a"], [[1], [1, 2]], (), (1, 2), (nothing,), {}, {"a": 1}, {1, 2},
            {"p": 3}, {"p": "x"}, {"p": -1}, nothing, len, Odd(), Odd, range(3), slice(2), ...,
            sparse.csr_array((3, 3)), np.datetime64("2020-01-01"), np.str_("auto"),
            np.random.RandomState(0), np.random.default_rng(0),
        ]
    )  # fmt: skip


def seeds():
    return st.integers(0, 2**32 - 1)
