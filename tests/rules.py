"""Rule, cases → test: one test of a rule for many cases, which lists the cases that break it."""

from collections.abc import Callable, Iterable

__all__ = ["holds_for"]


def holds_for(cases: Iterable, name: Callable = str) -> Callable:
    """Return a decorator that makes one test of a function that asserts a rule for one case.

    `name` gives the name of a case in the list of the cases that break the rule.
    """

    def decorate(rule: Callable) -> Callable:
        def test():
            broken = []
            for case in cases:
                try:
                    rule(case)
                except AssertionError as error:
                    broken.append(f"{name(case)}: {error}")
            assert not broken, "\n".join(broken)

        # Not functools.wraps: pytest would take the rule's argument for a fixture.
        test.__name__, test.__doc__ = rule.__name__, rule.__doc__
        return test

    return decorate
