"""The stack that the tests of this package look at and trade in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack import DemoStack


@pytest.fixture(scope="package")
def demo_stack() -> Iterator[DemoStack]:
    """One whole stack for all tests that only look at it and trade in it: synthetic market, 60 times real time.

    Give such tests ``@pytest.mark.xdist_group("demo")``, so that one worker runs them all with one stack. It is stopped when
    that worker goes on to other tests.
    """
    with DemoStack() as stack:
        yield stack
