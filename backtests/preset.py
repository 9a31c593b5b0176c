"""What a back-test is made of, apart from the candles: market, strategy, money and costs. Read from YAML.

Every field is explained in docs/backtesting/presets.md. Money and prices are quote, amounts base, fees and slippage
fractions (0.001 is 0.1 %).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from backtests.loop.records import Funding
from backtests.simulation import NO_FUNDING, Options
from strategies.candles import timeframe_ms
from strategies.contract import MarketKind, MarketSpec, Problem, StrategyConfig
from strategies.fields import Number
from strategies.parsing import parse_config
from strategies.yaml_document import YamlDocument, read_yaml
from strategies.yaml_writing import escaped, written

# What an account on an exchange has until somebody sets another.
USUAL_LEVERAGE: Final = Decimal(10)
# Bybit's for the smallest positions of its large markets.
USUAL_MAINTENANCE: Final = Decimal("0.005")
DAY_MS: Final = 86_400_000
QUOTES: Final = ("USDT", "USDC", "FDUSD", "USD", "EUR", "BTC", "ETH")
# A float holds this many decimal digits, whatever they are.
DIGITS: Final = 15
LONGEST_FRACTION: Final = 18  # a numerator of 64 bits has room for this many


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


class Fill(StrEnum):
    TOUCH = "touch"
    THROUGH = "through"


class Gaps(StrEnum):
    SKIP = "skip"
    FILL = "fill"
    REFUSE = "refuse"


class Intrabar(StrEnum):
    """The order of prices within a candle: by its four points, or with a position's stop before its target."""

    PATH = "path"
    PESSIMISTIC = "pessimistic"


class PaysIn(StrEnum):
    BASE = "base"
    QUOTE = "quote"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fees(_Part):
    """Fractions, negative for a rebate. ``buyer_pays_in`` is of spot markets; of linear ones it is always quote."""

    maker: Number = Field(ge=Decimal("-0.01"), lt=Decimal("0.1"))
    taker: Number = Field(ge=0, lt=Decimal("0.1"))
    buyer_pays_in: PaysIn = PaysIn.BASE


class Precision(_Part):
    """The increments of price (quote) and amount (base), as in 0.01. What is absent is not rounded."""

    price: Number | None = Field(None, gt=0)
    amount: Number | None = Field(None, gt=0)


class Smallest(_Part):
    min: Number | None = Field(None, ge=0)


class Bounds(Smallest):
    max: Number | None = Field(None, gt=0)


def _as_bounds(value: Any) -> Any:
    return value if isinstance(value, dict | Smallest) or value is None else {"min": value}


class Limits(_Part):
    """Of one order: ``amount`` in base, ``notional`` in quote. A number alone is the smallest."""

    amount: Annotated[Bounds, BeforeValidator(_as_bounds)] = Bounds()
    notional: Annotated[Smallest, BeforeValidator(_as_bounds)] = Smallest()


def _as_rate(value: Any) -> Any:
    """A number, however it is written; any other text names a file."""
    if isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    return value


FundingRate = Annotated[Number | str, BeforeValidator(_as_rate)]


class Preset(_Part):
    symbol: str
    market: MarketKind
    timeframe: str
    strategy: str
    config: dict[str, Any] = {}
    initial_balance: Number = Field(gt=0)
    leverage: Number | None = Field(None, ge=1, le=125)
    fees: Fees
    slippage: Number = Field(Decimal(0), ge=0, lt=Decimal("0.1"))
    spread: Number = Field(Decimal(0), ge=0, lt=Decimal("0.1"))
    impact: Number = Field(Decimal(0), ge=0)
    volume_share: Number | None = Field(None, gt=0, le=1)
    fill: Fill = Fill.TOUCH
    latency: int = Field(0, ge=0)
    intrabar: Intrabar = Intrabar.PATH
    precision: Precision = Precision()
    limits: Limits = Limits()
    gaps: Gaps = Gaps.SKIP
    funding: FundingRate | None = None
    maintenance_margin: Number | None = Field(None, ge=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _market_of_symbol(cls, data: Any) -> Any:
        """``ETHUSDT`` is ``ETH/USDT``; a linear market's symbol names the coin it is settled in."""
        if not isinstance(data, Mapping) or not isinstance(data.get("symbol"), str):
            return data
        found = dict(data)
        found.setdefault("market", "linear" if ":" in found["symbol"] else "spot")
        found["symbol"] = _unified(found["symbol"], found["market"])
        return found

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        length = timeframe_ms(self.timeframe)
        if length > DAY_MS:
            raise ValueError(f"timeframe is {self.timeframe}: 1m to 1d are understood")
        if self.latency > 2 * length:
            raise ValueError(f"latency is {self.latency} ms: candles of {self.timeframe} allow {2 * length} at most")
        if not re.fullmatch(r"[^/:\s]+/[^/:\s]+(:[^/:\s]+)?", self.symbol):
            raise ValueError(f"symbol is {self.symbol}: write it as in ETH/USDT")
        if self.market is MarketKind.SPOT and (self.leverage or 1) > 1:
            raise ValueError(f"leverage is {self.leverage}: a spot market has none; take it away or trade linear")
        if self.market is MarketKind.SPOT and self.funding is not None:
            raise ValueError("funding is of linear markets: take it away, or set market to linear")
        if self.market is MarketKind.SPOT and ":" in self.symbol:
            raise ValueError(f"symbol is {self.symbol}, a linear market's, and market is spot: change one of the two")
        return self

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


def market_spec(preset: Preset, *, price: float | None = None) -> MarketSpec:
    """The market's rules. Where a precision is absent the increment is the last digit that a float holds of the largest
    number to be expected, which rounds nothing; without a ``price`` to expect numbers from it is 0.00000001."""
    limits, fees = preset.limits, preset.fees
    most = float(preset.initial_balance * preset.account_leverage())
    return MarketSpec(
        symbol=preset.symbol,
        kind=preset.market,
        base=preset.base,
        quote=preset.quote,
        tick=preset.precision.price or _finest(price and price * 10),
        step=preset.precision.amount or _finest(price and most / price * 100),
        min_amount=limits.amount.min or Decimal(0),
        max_amount=limits.amount.max,
        min_notional=limits.notional.min,
        maker_fee=fees.maker,
        taker_fee=fees.taker,
        max_leverage=None,
        buyer_pays_in_quote=fees.buyer_pays_in is PaysIn.QUOTE,
    )


def engine_options(preset: Preset, funding: Funding = NO_FUNDING) -> Options:
    """``funding`` as ``backtests.funding_due.funding_of`` gives it."""
    return Options(
        slippage=float(preset.slippage),
        spread=float(preset.spread),
        impact=float(preset.impact),
        volume_share=float(preset.volume_share or 0),
        through=preset.fill is Fill.THROUGH,
        latency=preset.latency,
        pessimistic=preset.intrabar is Intrabar.PESSIMISTIC,
        leverage=float(preset.account_leverage()),
        maintenance=float(preset.account_maintenance()),
        funding=funding,
    )


def _finest(largest: float | None) -> Decimal:
    if not largest:
        return Decimal("1e-8")
    digits = min(DIGITS - math.ceil(math.log10(largest)), LONGEST_FRACTION)
    return Decimal(1).scaleb(-max(digits, 0))


def _unified(symbol: str, market: Any) -> str:
    pair, _, settled = symbol.strip().upper().partition(":")
    if "/" not in pair:
        pair = next((f"{pair.removesuffix(coin)}/{coin}" for coin in QUOTES if pair.endswith(coin)), pair)
    quote = pair.partition("/")[2]
    if str(market) == "linear" and quote and not settled:
        settled = quote
    return f"{pair}:{settled}" if settled else pair


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
    return Problem(path, f"{message} (given: {shown})." if shown else f"{message}.", shown)
