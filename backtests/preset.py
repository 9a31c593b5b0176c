"""What a back-test is made of, apart from the candles: market, strategy, money and costs. Read from YAML.

Every field is explained in docs/backtesting/presets.md. Money and prices are quote, amounts base, fees and slippage
fractions (0.001 is 0.1 %).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator

from backtests.symbols import unified
from backtests.terms import Fees, Fill, FundingRate, Gaps, Group, Intrabar, Limits, Part, Precision
from strategies.candles import timeframe_ms
from strategies.contract import MarketKind, Problem, StrategyConfig
from strategies.fields import Number, choice, number
from strategies.parsing import parse_config
from strategies.yaml_document import YamlDocument, read_yaml
from strategies.yaml_writing import escaped, written

# What an account on an exchange has until somebody sets another.
USUAL_LEVERAGE: Final = Decimal(10)
# Bybit's for the smallest positions of its large markets.
USUAL_MAINTENANCE: Final = Decimal("0.005")
DAY_MS: Final = 86_400_000


class PresetInvalid(ValueError):
    """``problems`` are named by their path in the preset; ``str()`` puts each on a line of its own."""

    def __init__(self, problems: list[Problem], document: YamlDocument | None = None, source: str = "") -> None:
        self.problems = problems
        self._document = document
        self._source = source
        super().__init__("\n".join(map(self._sentence, problems)))

    def _sentence(self, problem: Problem) -> str:
        line = self._document.line_of(problem.field) if self._document and problem.field else None
        where = ", ".join(part for part in (self._source, f"line {line}" if line else "") if part)
        return ": ".join(part for part in (where, problem.field, problem.message) if part)


class Preset(Part):
    symbol: str = Field(
        title="Symbol",
        description="ETH/USDT is spot, ETH/USDT:USDT linear; ETHUSDT is understood too.",
        json_schema_extra={"group": Group.MARKET},
    )
    market: MarketKind = choice(
        ...,
        "Market",
        "Linear markets are margined and settled in the quote coin.",
        group=Group.MARKET,
        choices={MarketKind.SPOT: "Spot", MarketKind.LINEAR: "Linear"},
    )
    timeframe: str = Field(
        title="Timeframe",
        description="Of the candles that prices move through, 1m to 1d. Longer ones that the strategy looks at are made "
        "of these.",
        json_schema_extra={"group": Group.MARKET},
    )
    strategy: str
    config: dict[str, Any] = {}
    initial_balance: Number = number(
        ..., "Initial balance", "The money that it begins with.", unit="quote", group=Group.ACCOUNT, gt=0
    )
    leverage: Number | None = number(
        None,
        "Account leverage",
        "Of a linear market. Empty: what the strategy says itself, else 10.",
        unit="×",
        group=Group.ACCOUNT,
        ge=1,
        le=125,
    )
    fees: Fees
    slippage: Number = number(
        Decimal(0),
        "Slippage",
        "How much worse than the market a market or stop order fills: 0.0002 is 0.02 %.",
        unit="fraction",
        group=Group.COSTS,
        ge=0,
        lt=Decimal("0.1"),
    )
    spread: Number = number(
        Decimal(0),
        "Spread",
        "Between the best bid and ask; takers pay half of it.",
        unit="fraction",
        group=Group.COSTS,
        advanced=True,
        ge=0,
        lt=Decimal("0.1"),
    )
    impact: Number = number(
        Decimal(0),
        "Impact",
        "A taker moves the price by this × the square of its share of the candle's volume.",
        unit="fraction",
        group=Group.COSTS,
        advanced=True,
        ge=0,
    )
    volume_share: Number | None = number(
        None,
        "Share of volume",
        "The most of a candle's volume that fills in it; larger orders fill in parts. Empty: no limit.",
        unit="fraction",
        group=Group.FILLS,
        advanced=True,
        gt=0,
        le=1,
    )
    fill: Fill = choice(
        Fill.TOUCH,
        "Limit orders fill",
        "When the price touches them, or only when it passes them by a tick.",
        group=Group.FILLS,
        choices={Fill.TOUCH: "At a touch", Fill.THROUGH: "When passed"},
    )
    latency: int = number(
        0,
        "Latency",
        "From a decision until the exchange has it, two candles at most.",
        unit="ms",
        group=Group.FILLS,
        ge=0,
    )
    intrabar: Intrabar = choice(
        Intrabar.PATH,
        "Inside a candle",
        "Open, nearer extreme, other extreme, close; or a position's stop before its target.",
        group=Group.FILLS,
        choices={Intrabar.PATH: "Its path", Intrabar.PESSIMISTIC: "The stop first"},
        advanced=True,
    )
    precision: Precision = Precision()
    limits: Limits = Limits()
    gaps: Gaps = choice(
        Gaps.SKIP,
        "Missing candles",
        "What is done where the candles have gaps.",
        group=Group.MARKET,
        choices={Gaps.SKIP: "Pass over", Gaps.FILL: "Fill in", Gaps.REFUSE: "Refuse"},
        advanced=True,
    )
    funding: FundingRate | None = Field(
        None,
        title="Funding",
        description="Of a linear market: the rate for every eight hours, as 0.0001. Empty: none is paid.",
        json_schema_extra={"unit": "fraction", "group": Group.ACCOUNT, "advanced": True},
    )
    maintenance_margin: Number | None = number(
        None,
        "Maintenance margin",
        "Of a linear market: an equity below this share of the position's worth is liquidated, never with 0. Empty: 0.005.",
        unit="fraction",
        group=Group.ACCOUNT,
        advanced=True,
        ge=0,
        lt=1,
    )

    @model_validator(mode="before")
    @classmethod
    def _market_of_symbol(cls, data: Any) -> Any:
        """``ETHUSDT`` is ``ETH/USDT``; a linear market's symbol names the coin it is settled in."""
        if not isinstance(data, Mapping) or not isinstance(data.get("symbol"), str):
            return data
        found = dict(data)
        found.setdefault("market", "linear" if ":" in found["symbol"] else "spot")
        found["symbol"] = unified(found["symbol"], found["market"])
        return found

    @field_validator("symbol")
    @classmethod
    def _is_a_pair(cls, symbol: str) -> str:
        if not re.fullmatch(r"[^/:\s]+/[^/:\s]+(:[^/:\s]+)?", symbol):
            raise ValueError(f"symbol is {symbol}: write it as in ETH/USDT")
        return symbol

    @field_validator("market")
    @classmethod
    def _is_the_symbols(cls, market: MarketKind, info: ValidationInfo) -> MarketKind:
        symbol = info.data.get("symbol", "")
        if market is MarketKind.SPOT and ":" in symbol:
            raise ValueError(f"symbol is {symbol}, a linear market's, and market is spot: change one of the two")
        return market

    @field_validator("timeframe")
    @classmethod
    def _is_a_day_at_most(cls, timeframe: str) -> str:
        if timeframe_ms(timeframe) > DAY_MS:
            raise ValueError(f"timeframe is {timeframe}: 1m to 1d are understood")
        return timeframe

    @field_validator("leverage")
    @classmethod
    def _has_a_margin(cls, leverage: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if info.data.get("market") is MarketKind.SPOT and (leverage or 1) > 1:
            raise ValueError(f"leverage is {leverage}: a spot market has none; take it away or trade linear")
        return leverage

    @field_validator("latency")
    @classmethod
    def _arrives_in_two_candles(cls, latency: int, info: ValidationInfo) -> int:
        timeframe = info.data.get("timeframe")
        if timeframe is not None and latency > 2 * timeframe_ms(timeframe):
            most = 2 * timeframe_ms(timeframe)
            raise ValueError(f"latency is {latency} ms: candles of {timeframe} allow {most} at most")
        return latency

    @field_validator("funding")
    @classmethod
    def _is_charged(cls, funding: Decimal | str | None, info: ValidationInfo) -> Decimal | str | None:
        if info.data.get("market") is MarketKind.SPOT and funding is not None:
            raise ValueError("funding is of linear markets: take it away, or set market to linear")
        return funding

    @cached_property
    def strategy_config(self) -> StrategyConfig:
        """The strategy's own model of ``config``. Raises :class:`PresetInvalid`."""
        config, problems = parse_config(self.strategy, self.config)
        if config is None:
            raise PresetInvalid(problems)
        return config

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2].partition(":")[0]

    def account_leverage(self) -> Decimal:
        """As live: what is set, else the strategy's own, else what an account begins with."""
        if self.market is MarketKind.SPOT:
            return Decimal(1)
        own = getattr(self.strategy_config, "leverage", None)
        return self.leverage or (USUAL_LEVERAGE if own is None else Decimal(own))

    def account_maintenance(self) -> Decimal:
        if self.market is MarketKind.SPOT:
            return Decimal(0)
        return USUAL_MAINTENANCE if self.maintenance_margin is None else self.maintenance_margin

    def to_yaml(self) -> str:
        """What :func:`load_preset` reads back as the same preset."""
        return written(escaped(_plain(self.model_dump(mode="json", exclude_defaults=True))))


def load_preset(path: Path) -> Preset:
    """Raises :class:`PresetInvalid` with everything that is wrong, each by file, line and path.

    A file of funding rates is looked for in the working directory, then beside the preset.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PresetInvalid([Problem("", f"the preset {path} cannot be read: {error}")]) from error
    preset = read_preset(text, source=str(path))
    if (
        isinstance(preset.funding, str)
        and not Path(preset.funding).exists()
        and (path.parent / preset.funding).exists()
    ):
        return preset.model_copy(update={"funding": str(path.parent / preset.funding)})
    return preset


def read_preset(text: str, *, source: str = "", environ: Mapping[str, str] | None = None) -> Preset:
    """The same from YAML text."""
    document = read_yaml(text, environ=os.environ if environ is None else environ)
    problems = [Problem(fault.path, fault.message, fault.value) for fault in document.faults]
    if problems:
        raise PresetInvalid(problems, document, source)
    try:
        return preset_of(document.data)
    except PresetInvalid as error:
        raise PresetInvalid(error.problems, document, source) from error


def preset_of(data: Any) -> Preset:
    """A preset of plain values, as JSON or YAML give them. Raises :class:`PresetInvalid`."""
    problems: list[Problem] = []
    preset = None
    if not isinstance(data, Mapping):
        raise PresetInvalid([Problem("", "a preset is a mapping: symbol, market, timeframe, strategy, …")])
    try:
        preset = Preset.model_validate(data)
    except ValidationError as error:
        problems += [_problem(item) for item in error.errors(include_url=False)]
    if isinstance(data.get("strategy"), str) and isinstance(data.get("config", {}), Mapping):
        problems += parse_config(data["strategy"], data.get("config", {}))[1]
    if problems or preset is None:
        raise PresetInvalid(problems)
    return preset


def with_changes(preset: Preset, changes: Mapping[str, Any]) -> Preset:
    """``{"config.grids": 30, "slippage": "0.0005"}``: the preset with these in place. Raises :class:`PresetInvalid`."""
    data = preset.model_dump(exclude_unset=True)
    for path, value in changes.items():
        *parents, name = path.split(".")
        place = data
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise PresetInvalid([Problem(path, f"{parent} is {place}: nothing stands in it")])
        place[name] = value
    return preset_of(data)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _problem(item: Any) -> Problem:
    path = ".".join(str(part) for part in item["loc"])
    name = str(item["loc"][-1]) if item["loc"] else ""
    if item["type"] == "missing":
        return Problem(path, f"{name} is missing.")
    if item["type"] == "extra_forbidden":
        return Problem(path, f"a preset has no {path}; check its spelling and its indentation.")
    given = item["input"]
    shown = "" if isinstance(given, dict | list | BaseModel) or given is None else str(given)
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "value_error":  # a sentence of ours, which names what it is about
        return Problem(path, f"{message}.", shown)
    return Problem(path, f"{message} (given: {shown})." if shown else f"{message}.", shown)
