"""Cases → offenders: `rules.holds_for` passes where a rule holds and else names each offender."""

import pytest
from rules import holds_for


@pytest.mark.parametrize(("cases", "offenders"), [((1, 2), []), ((3, 1, 4), ["<3>", "<4>"])])
def test_offenders_are_listed(cases, offenders):
    @holds_for(cases, name="<{}>".format)
    def test_small(case):
        """Small cases."""
        assert case < 3

    assert (test_small.__name__, test_small.__doc__) == ("test_small", "Small cases.")
    if not offenders:
        test_small()
        return
    with pytest.raises(AssertionError) as caught:
        test_small()
    assert [one for one in ("<1>", "<2>", "<3>", "<4>") if one in str(caught.value)] == offenders


def test_other_errors_are_no_offence():
    @holds_for([0])
    def test_division(case):
        assert 1 / case

    with pytest.raises(ZeroDivisionError):
        test_division()
