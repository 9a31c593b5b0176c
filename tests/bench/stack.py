"""The stack as a user runs it: nothing is traded for speed, unlike in the tests."""

from __future__ import annotations

from tests.stack import DemoStack


class BenchStack(DemoStack):
    arguments = ()
