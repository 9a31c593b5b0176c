"""Compiled on the first call, not on import: the web site imports strategies for their forms and needs no compiler.

The compiler costs a third of a second and 120 MB; a process pays for it when it first computes an indicator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Compiled(Generic[P, R]):
    """A function that numba compiles for the types it is called with; ``py_func`` is the same, uncompiled.

    The machine code is kept on disk and loaded by the next process. It lets go of the interpreter lock, and it computes
    as Python does: no ``fastmath``, so that a back-test and a live tick agree to the last bit.

    A compiled function may call other ones, and read constants, of *the same file*: the code on disk is made anew when
    that file changes, but not when another one does.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self.py_func = function
        update_wrapper(self, function)

    @cached_property
    def dispatcher(self) -> Any:
        """What numba itself makes of the function."""
        from numba import njit

        _make_callable_in_compiled_code()
        return njit(cache=True, nogil=True)(self.py_func)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        answer: R = self.dispatcher(*args, **kwargs)
        return answer


def compiled(function: Callable[P, R]) -> Compiled[P, R]:
    return Compiled(function)


@cache
def _make_callable_in_compiled_code() -> None:
    """Where one compiled function names another, numba shall see what it made of that one."""
    from numba.extending import typeof_impl

    @typeof_impl.register(Compiled)
    def _(value: Compiled[..., Any], context: Any) -> Any:
        return typeof_impl(value.dispatcher, context)
