"""The options of a room as keyword arguments: their defaults and help from one declaration."""

import dataclasses
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

WIDTH = 110
F = TypeVar("F", bound=Callable[..., Any])


def with_options(declared: Any, *names: str) -> Callable[[F], F]:
    """Return a decorator for a function that takes ``**options``: its signature and docstring tell them.

    Args:
        declared: the dataclass of the options.
        names: of those that it takes; without any, all.
    """

    def decorate(function: F) -> F:
        fields = [field for field in dataclasses.fields(declared) if not names or field.name in names]
        signature = inspect.signature(function)
        own = [
            each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        taken = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default if field.default is not dataclasses.MISSING else _made(field),
                annotation=field.type,
            )
            for field in fields
        ]

        @functools.wraps(function)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            complete.bind(*arguments, **keywords)  # raises TypeError, as for any function
            return function(*arguments, **keywords)

        complete = signature.replace(parameters=[*own, *taken])
        checked.__signature__ = complete  # type: ignore[attr-defined]
        told = "\n".join(_line(field) for field in fields)
        checked.__doc__ = (function.__doc__ or "").replace("        options: OPTIONS", told)
        return checked  # type: ignore[return-value]

    return decorate


def _made(field: "dataclasses.Field[Any]") -> Any:
    """Return the default of a field that is made anew for each instance."""
    assert field.default_factory is not dataclasses.MISSING
    return field.default_factory()


def _line(field: "dataclasses.Field[Any]") -> str:
    text = f"{field.name}: {field.metadata['help'].replace('null', 'None')}."
    return textwrap.fill(text, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)
