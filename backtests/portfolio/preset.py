"""A portfolio: the bots of one account, each with a preset of its own, on one balance. Read from YAML.

What stands beside ``bots:`` holds for every bot, what stands in a bot for this one (docs/backtesting/portfolio.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from backtests.preset import Preset, PresetInvalid, preset_of
from strategies.contract import MarketKind, Problem
from strategies.fields import Number
from strategies.yaml_document import YamlDocument, read_yaml
from strategies.yaml_writing import escaped, written

# An account has one of each.
_OF_THE_ACCOUNT: Final = ("initial_balance", "market", "maintenance_margin")
# A market has one of each; a linear one is followed point by point for all its bots, with one leverage.
_OF_A_MARKET: Final = ("precision", "limits")
_OF_A_LINEAR_MARKET: Final = (*_OF_A_MARKET, "timeframe", "leverage", "intrabar")
# As bots are named.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class PortfolioBot(BaseModel):
    """``preset`` is the whole of what the bot runs with; its ``initial_balance`` is the account's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    preset: Preset


class PortfolioPreset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    initial_balance: Number = Field(gt=0)
    bots: tuple[PortfolioBot, ...] = Field(min_length=1)

    @property
    def market(self) -> MarketKind:
        return self.bots[0].preset.market

    @property
    def quote(self) -> str:
        return self.bots[0].preset.quote

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Each once, in the order of the bots."""
        return tuple(dict.fromkeys(bot.preset.symbol for bot in self.bots))

    def account_maintenance(self) -> Decimal:
        return self.bots[0].preset.account_maintenance()

    def to_yaml(self) -> str:
        """What :func:`load_portfolio` reads back as the same portfolio."""
        dumped = [bot.preset.model_dump(mode="json", exclude_defaults=True) for bot in self.bots]
        return written(escaped(self._laid_out(dumped)))

    def to_plain(self) -> dict[str, Any]:
        """What was said, with each bot's preset whole but for what is the account's; :func:`portfolio_of` reads it back."""
        return self._laid_out([bot.preset.model_dump(mode="json", exclude_unset=True) for bot in self.bots])

    def _laid_out(self, presets: list[dict[str, Any]]) -> dict[str, Any]:
        bots = [
            {"name": bot.name, **{key: each for key, each in values.items() if key not in _OF_THE_ACCOUNT}}
            for bot, values in zip(self.bots, presets, strict=True)
        ]
        return {key: presets[0][key] for key in _OF_THE_ACCOUNT if key in presets[0]} | {"bots": bots}


def is_portfolio(path: Path) -> bool:
    """Whether a preset's file has ``bots``. One that cannot be read has none: who loads it tells why."""
    try:
        found = read_yaml(path.read_text(encoding="utf-8"), environ=os.environ).data
    except (OSError, UnicodeDecodeError):
        return False
    return isinstance(found, Mapping) and "bots" in found


def load_portfolio(path: Path) -> PortfolioPreset:
    """Raises :class:`PresetInvalid` with everything that is wrong, each by file, line and path.

    Files of funding rates are looked for in the working directory, then beside the portfolio.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PresetInvalid([Problem("", f"the portfolio {path} cannot be read: {error}")]) from error
    portfolio = read_portfolio(text, source=str(path))
    bots = tuple(bot.model_copy(update={"preset": _beside(path, bot.preset)}) for bot in portfolio.bots)
    return portfolio.model_copy(update={"bots": bots})


def _beside(path: Path, preset: Preset) -> Preset:
    found = path.parent / preset.funding if isinstance(preset.funding, str) else None
    if found is None or Path(str(preset.funding)).exists() or not found.exists():
        return preset
    return preset.model_copy(update={"funding": str(found)})


def read_portfolio(text: str, *, source: str = "", environ: Mapping[str, str] | None = None) -> PortfolioPreset:
    """The same from YAML text."""
    document: YamlDocument = read_yaml(text, environ=os.environ if environ is None else environ)
    problems = [Problem(fault.path, fault.message, fault.value) for fault in document.faults]
    if problems:
        raise PresetInvalid(problems, document, source)
    try:
        return portfolio_of(document.data)
    except PresetInvalid as error:
        raise PresetInvalid(error.problems, document, source) from error


def portfolio_of(data: Any) -> PortfolioPreset:
    """A portfolio of plain values, as JSON or YAML give them. Raises :class:`PresetInvalid`."""
    said = data.get("bots") if isinstance(data, Mapping) else None
    if not isinstance(said, list) or not said:
        raise PresetInvalid(
            [Problem("bots", "bots is a list: each with name, symbol, timeframe, strategy and config.")]
        )
    shared = {key: value for key, value in data.items() if key != "bots"}
    problems: dict[tuple[str, str], Problem] = {}
    bots: list[PortfolioBot] = []
    for number, own in enumerate(said):
        bot, found = _bot(number, own, shared)
        problems |= {(each.field, each.message): each for each in found}
        if bot is not None:
            bots.append(bot)
    if not problems:
        problems = {(each.field, each.message): each for each in _fits_together(bots)}
    if problems:
        raise PresetInvalid(list(problems.values()))
    return PortfolioPreset(initial_balance=bots[0].preset.initial_balance, bots=tuple(bots))


def _bot(number: int, own: Any, shared: Mapping[str, Any]) -> tuple[PortfolioBot | None, list[Problem]]:
    here = f"bots.{number}"
    if not isinstance(own, Mapping):
        return None, [Problem(here, "a bot is a mapping: name, symbol, timeframe, strategy, config, …")]
    name, problems = own.get("name"), []
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.append(
            Problem(f"{here}.name", "each bot has a name: letters, digits, - and _, 64 at most.", _told(name))
        )
    for field in _OF_THE_ACCOUNT:
        if field in own:
            problems.append(
                Problem(f"{here}.{field}", f"{field} is the account's: write it once, above bots.", _told(own[field]))
            )
    values = {**shared, **{key: value for key, value in own.items() if key not in ("name", *_OF_THE_ACCOUNT)}}
    try:
        preset = preset_of(values)
    except PresetInvalid as error:
        return None, problems + [_placed(each, here, own, shared) for each in error.problems]
    return (None if problems else PortfolioBot(name=str(name), preset=preset)), problems


def _placed(problem: Problem, here: str, own: Mapping[str, Any], shared: Mapping[str, Any]) -> Problem:
    """With its path in the portfolio: among what holds for all, or in the bot."""
    first = problem.field.partition(".")[0]
    of_all = (first in shared and first not in own) or first in _OF_THE_ACCOUNT
    path = problem.field if of_all else f"{here}.{problem.field}".rstrip(".")
    return Problem(path, problem.message, problem.value, problem.limit)


def _fits_together(bots: list[PortfolioBot]) -> Iterator[Problem]:
    first, names = bots[0].preset, set[str]()
    on_symbol: dict[str, PortfolioBot] = {}
    for number, bot in enumerate(bots):
        here, preset = f"bots.{number}", bot.preset
        if bot.name in names:
            yield Problem(f"{here}.name", f"two bots are called {bot.name}: give each a name of its own.", bot.name)
        names.add(bot.name)
        if preset.market is not first.market:
            yield Problem(
                f"{here}.symbol",
                f"{preset.symbol} is {preset.market}, the first bot's market {first.market}: one of the two.",
                preset.symbol,
            )
        elif preset.quote != first.quote:
            mend = f"{preset.symbol} is paid in {preset.quote}, the balance is {first.quote}: one of the two."
            yield Problem(f"{here}.symbol", mend, preset.symbol)
        other = on_symbol.setdefault(preset.symbol, bot)
        fields = _OF_A_LINEAR_MARKET if preset.market is MarketKind.LINEAR else _OF_A_MARKET
        for field in fields:
            if _value(preset, field) != _value(other.preset, field):
                yield Problem(
                    f"{here}.{field}", f"{bot.name} and {other.name} trade {preset.symbol}: both need the same {field}."
                )


def _told(value: Any) -> str:
    return "" if value is None else str(value)


def _value(preset: Preset, field: str) -> Any:
    return preset.account_leverage() if field == "leverage" else getattr(preset, field)
