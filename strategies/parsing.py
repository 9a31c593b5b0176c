"""A strategy's configuration from plain values, with everything that is wrong with them told by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from strategies.contract import Problem, StrategyConfig
from strategies.registry import UnknownStrategy, get_strategy


def parse_config(strategy: str, config: Mapping[str, Any]) -> tuple[StrategyConfig | None, list[Problem]]:
    """The strategy's own model of ``config``, or what is wrong with it, each problem's field dotted from ``config``."""
    try:
        chosen = get_strategy(strategy)
    except UnknownStrategy as error:
        return None, [Problem("strategy", str(error), value=strategy)]
    try:
        return chosen.Config.model_validate(dict(config)), []
    except ValidationError as error:
        return None, [_problem(item) for item in error.errors(include_url=False)]


def _problem(item: Any) -> Problem:
    where = ".".join(["config", *(str(part) for part in item["loc"])])
    given = item.get("input")
    message = str(item["msg"]).removeprefix("Value error, ")
    shown = "" if isinstance(given, dict) or given is None else str(given)
    name = str(item["loc"][-1]) if item["loc"] else "config"
    if name not in message:
        message = f"{name}: {message[0].lower()}{message[1:]}" + (f" (given: {shown})." if shown else ".")
    return Problem(where, message, value=shown)
