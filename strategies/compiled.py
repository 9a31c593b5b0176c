"""Compiled on the first call, not on import: the web site imports strategies for their forms and needs no compiler.

The compiler costs a third of a second and 120 MB; a process pays for it when it first computes an indicator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dis import get_instructions
from functools import cache, cached_property, update_wrapper
from types import CodeType, FunctionType, ModuleType
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Compiled(Generic[P, R_co]):
    """A function that numba compiles for the types it is called with; ``py_func`` is the same, uncompiled.

    The machine code is kept on disk and loaded by the next process. It lets go of the interpreter lock, and it computes
    as Python does: no ``fastmath``, so that a back-test and a live tick agree to the last bit.

    A compiled function may call other ones and read constants, in whichever file they stand: what is kept on disk is
    named by the function's own code and by all that it calls and reads (:func:`content_key`).
    """

    def __init__(self, function: Callable[P, R_co]) -> None:
        self.py_func = function
        update_wrapper(self, function)

    @cached_property
    def plain(self) -> Callable[P, R_co]:
        """The function uncompiled, and with it every compiled function that it calls by a name of its module.

        What a live tick calls: loading machine code takes longer than the ticks of a day, and a state there is an object.
        """
        function = self.py_func
        if not isinstance(function, FunctionType):
            return function
        variables = dict(function.__globals__)
        for name in _globals_of(function.__code__):
            called = variables.get(name)
            if isinstance(called, Compiled):
                variables[name] = called.plain
        plain: Callable[P, R_co] = _copied(function, function.__qualname__, variables)
        return plain

    @cached_property
    def dispatcher(self) -> Any:
        """What numba itself makes of the function, to be called from Python."""
        return _dispatcher(_named_by_content(self.py_func, ""))

    @cached_property
    def callee(self) -> Any:
        """The same to be called from machine code alone: without the part that takes arguments out of Python's objects,
        which for records is as much work to compile as the function itself."""
        return _dispatcher(_named_by_content(self.py_func, ".callee"), no_cpython_wrapper=True)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        answer: R_co = self.dispatcher(*args, **kwargs)
        return answer

    def entry(self, *arguments: Any) -> Callable[..., R_co]:
        """The machine code for arguments of the types of these, which no call looks at again: where a record is among them
        that takes longer than a short function itself."""
        dispatcher = self.dispatcher
        found: Callable[..., R_co] = dispatcher.compile(tuple(map(dispatcher.typeof_pyval, arguments)))
        return found

    def with_parts(self, name: str, **parts: Compiled[..., Any]) -> Compiled[P, R_co]:
        """The same function with other ones in place of the globals that ``parts`` names, compiled on its own.

        A loop that calls the step of any strategy so becomes one loop for each strategy.
        """
        function = self.py_func
        assert isinstance(function, FunctionType)
        missing = sorted(set(parts) - set(_names_in(function.__code__)))
        if missing:
            raise ValueError(f"{function.__qualname__} calls nothing of the name {', '.join(missing)}")
        copy = _copied(function, f"{function.__qualname__}.{name}", {**function.__globals__, **parts})
        return Compiled(copy)


def compiled(function: Callable[P, R_co]) -> Compiled[P, R_co]:
    return Compiled(function)


def content_key(function: Callable[..., Any]) -> str:
    """Names what the machine code of a function is made from: its own code, that of the compiled functions it calls and
    the constants it reads."""
    digest = hashlib.sha256()
    for part in _parts(function, set()):
        digest.update(part.encode())
    return digest.hexdigest()[:16]


def _parts(function: Callable[..., Any], seen: set[int]) -> Iterator[str]:
    if id(function) in seen:
        return
    seen.add(id(function))
    assert isinstance(function, FunctionType)
    yield from _code(function.__code__)
    yield repr(function.__defaults__)
    for annotation in function.__annotations__.values():
        # What is kept names the types of the arguments by where they stand, and cannot be read when they are not there.
        kind = function.__globals__.get(annotation, annotation) if isinstance(annotation, str) else annotation
        yield f"{getattr(kind, '__module__', '')} {getattr(kind, '__qualname__', kind)}"
    names = _names_in(function.__code__)
    for name in names:
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        yield name
        if isinstance(value, ModuleType):  # its constants are read as attributes
            read = (getattr(value, each, None) for each in names)
            for each in read:
                yield from _read(each, seen)
        else:
            yield from _read(value, seen)


def _read(value: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(value, Compiled):
        yield from _parts(value.py_func, seen)
    elif isinstance(value, int | float | str | tuple):
        yield repr(value)
    elif hasattr(value, "_fields"):  # the type of a named tuple
        yield repr(value._fields)


def _code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield repr(constant)


def _names_in(code: CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.extend(_names_in(constant))
    return names


def _globals_of(code: CodeType) -> set[str]:
    return {each.argval for each in get_instructions(code) if each.opname == "LOAD_GLOBAL"}


def _named_by_content(function: Callable[..., Any], suffix: str) -> Callable[..., Any]:
    assert isinstance(function, FunctionType)
    return _copied(function, f"{function.__qualname__}.{content_key(function)}{suffix}", function.__globals__)


def _dispatcher(function: Callable[..., Any], **options: bool) -> Any:
    from numba import njit

    _make_callable_in_compiled_code()
    make: Any = njit  # whose declared type knows not all of its options
    # The last one: nobody asks for a pointer to it as C knows one.
    options |= {"nogil": True, "no_cfunc_wrapper": True}
    try:
        return make(cache=True, **options)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return make(**options)(function)  # no folder can be written: each process compiles for itself


def _copied(function: FunctionType, qualname: str, variables: dict[str, Any]) -> FunctionType:
    copy = FunctionType(function.__code__, variables, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__, copy.__annotations__ = function.__kwdefaults__, function.__annotations__
    copy.__doc__, copy.__module__, copy.__qualname__ = function.__doc__, function.__module__, qualname
    return copy


@cache
def _make_callable_in_compiled_code() -> None:
    """Where one compiled function names another, numba shall see what it made of that one: one machine code for a type
    of argument. For each constant argument numba would make another, which is a quarter more time and memory."""
    from numba.core import types
    from numba.extending import models, register_model, typeof_impl

    class CalledByType(types.Dispatcher):
        def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
            kind: Callable[[Any], Any] = types.unliteral
            return super().get_call_type(context, tuple(map(kind, args)), {name: kind(kws[name]) for name in kws})

    register_model(CalledByType)(models.OpaqueModel)

    @typeof_impl.register(Compiled)
    def _(value: Compiled[..., Any], context: Any) -> Any:
        return CalledByType(value.callee)
