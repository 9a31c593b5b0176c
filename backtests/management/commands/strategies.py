"""``manage.py strategies``: which there are, what they can be told, and whether they keep the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError

from backtests.checking import check_strategy
from exchange.candles.files import CandleFileError, Candles, describe_file, read_file
from exchange.candles.synthetic import COINS, synthetic_market
from strategies import registry
from strategies.candles import timeframe_ms
from strategies.contract import MarketKind, MarketSpec, StrategyConfig, UsesFeatures
from strategies.registry import UnknownStrategy
from strategies.user_files import AnyStrategy, problem_of, read_user_file

SYNTHETIC = "ETHUSDT"
# Fees and minimums of Bybit's ETH markets: a check is not about them.
STEP, FEE = Decimal("0.00001"), Decimal("0.001")

DAY_MS = 86_400_000
# A strategy that needs a long past decides seldom, and decisions are what is to be checked; each takes its time.
FEWEST_STEPS, MOST_STEPS = 1000, 10_000

# JSON schema's own names of bounds, and those that strategies.fields gives to decimals.
_SIGNS = {
    "minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<",
    "ge": "≥", "gt": ">", "le": "≤", "lt": "<",
}  # fmt: skip


class Command(BaseCommand):
    help = "Lists, describes and checks the strategies, built in and of your own."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser(
            "list", help="one line for each, and what in the folder is not usable; exit code 1 for that"
        )
        commands.add_parser("show", help="parameters with their ranges, warm-up").add_argument("name")
        check = commands.add_parser("check", help="look-ahead, warm-up, state, repeatability; exit code 1 if any fails")
        check.add_argument("name", help="a strategy, or a file with one or several")
        check.add_argument("--candles", help="a candle file; without one, a synthetic market of ETHUSDT is made")
        check.add_argument(
            "--days", type=int, help="days of the synthetic market (60, or twice the warm-up where that is longer)"
        )
        check.add_argument("--config", default="{}", help="parameters as JSON, for those without a default")
        check.add_argument("--cuts", type=int, default=200, help="at how many random candles the series is cut (200)")
        check.add_argument(
            "--steps",
            type=int,
            help=f"how many candles of decisions are checked (as many as the warm-up has, {FEWEST_STEPS} to {MOST_STEPS})",
        )
        check.add_argument("--seed", type=int, default=0, help="of the cuts and of the synthetic market (0)")
        compiles = commands.add_parser("compile", help="makes the machine code of back-tests ahead of the first one")
        compiles.add_argument("names", nargs="*", help="which strategies (all that can be compiled)")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        handlers: dict[str, Callable[..., None]] = {
            "list": self._list,
            "show": self._show,
            "check": self._check,
            "compile": self._compile,
        }
        handlers[command](**options)

    def _compile(self, names: list[str], **_: Any) -> None:
        from backtests.machine_code import compile_ahead  # the other commands can do without

        for name in names:
            _named(name)
        for name, seconds in compile_ahead(names):
            self.stdout.write(f"{name}: {seconds:.1f} s")

    def _list(self, **_: Any) -> None:
        for strategy in registry.strategies():
            source = registry.source_of(strategy.name) or "built in"
            regimes = ", ".join(registry.regimes_of(strategy)) or "any regime"
            self.stdout.write(f"{strategy.name}  {strategy.version}  {strategy.title}  [{regimes}]  {source}")
        folder = settings.STRATEGIES_DIR
        self.stdout.write(f"Your own: {folder}{'' if folder.is_dir() else ' (does not exist)'}")
        problems = registry.problems()
        for problem in problems:
            self.stderr.write(f"not usable: {problem}")
        if problems:
            raise CommandError(f"{len(problems)} problem(s) in {folder}.")

    def _show(self, name: str, **_: Any) -> None:
        strategy = _named(name)
        self.stdout.write(f"{strategy.title} ({strategy.name} {strategy.version})\n{strategy.description}\n")
        for field in strategy.Config.model_json_schema()["properties"].items():
            self.stdout.write(_parameter(*field))
        try:
            config = strategy.Config()
        except ValidationError:
            self.stdout.write("Candles: depend on the parameters that have no default.")
            return
        needs = strategy.timeframes(config) if isinstance(strategy, UsesFeatures) else ()
        said = ", ".join(f"{need.count} of {need.timeframe}" for need in needs) or "none"
        self.stdout.write(f"Closed candles it looks at, with the default parameters: {said}")

    def _check(
        self,
        name: str,
        candles: str | None,
        days: int | None,
        config: str,
        cuts: int,
        steps: int | None,
        seed: int,
        **_: Any,
    ) -> None:
        failed = 0
        for strategy, source in _strategies(name):
            settings_of_it = _configured(strategy, config)
            try:
                warm_up = _warm_up_ms(strategy, settings_of_it)
                found, timeframe, market = (
                    _from_file(Path(candles)) if candles else _synthetic(days or _days_for(warm_up), seed)
                )
                walked = steps or _steps_for(warm_up, timeframe)
                checked = check_strategy(
                    strategy, settings_of_it, market, found, timeframe, cuts=cuts, seed=seed, walked=walked
                )
            except CommandError:
                raise
            except Exception as error:
                if source is None and not isinstance(error, ValueError):
                    raise  # a fault of the program itself is shown whole
                where = problem_of(source, error) if source is not None else error
                raise CommandError(f"{strategy.name}: {where}") from error
            for violation in checked.violations:
                self.stdout.write(f"{strategy.name}  {violation}")
            failed += bool(checked.violations)
            self.stdout.write(
                f"{strategy.name}: {len(checked.violations)} violation(s) on {len(found)} candles of {timeframe}; "
                f"{checked.rows} rows of features, {checked.steps} steps, {checked.orders} orders."
            )
            if not checked.orders:
                self.stdout.write(
                    f"{strategy.name}: wanted no order at all: its decisions are not really checked; try more --steps."
                )
        if failed:
            raise CommandError("Not what the contract asks for.")


def _strategies(name: str) -> list[tuple[AnyStrategy, Path | None]]:
    """With the file that each is written in; none for a built-in one."""
    if not name.endswith(".py"):
        return [(_named(name), registry.source_of(name))]
    path = Path(name)
    file = read_user_file(path)
    if file.problems:
        raise CommandError("\n".join(map(str, file.problems)))
    return [(strategy, path) for strategy in file.strategies]


def _warm_up_ms(strategy: AnyStrategy, config: StrategyConfig) -> int:
    """How long the longest of its windows is."""
    needs = strategy.timeframes(config) if isinstance(strategy, UsesFeatures) else ()
    return max((need.count * timeframe_ms(need.timeframe) for need in needs), default=0)


def _days_for(warm_up_ms: int) -> int:
    return max(60, 2 * warm_up_ms // DAY_MS + 1)


def _steps_for(warm_up_ms: int, timeframe: str) -> int:
    return min(MOST_STEPS, max(FEWEST_STEPS, warm_up_ms // timeframe_ms(timeframe)))


def _named(name: str) -> AnyStrategy:
    try:
        return registry.get_strategy(name)
    except UnknownStrategy as error:
        raise CommandError(str(error)) from error


def _configured(strategy: AnyStrategy, text: str) -> StrategyConfig:
    try:
        config: StrategyConfig = strategy.Config.model_validate(json.loads(text))
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise CommandError("\n".join([f"{strategy.name}: give --config as JSON:", *lines])) from error
    except json.JSONDecodeError as error:
        raise CommandError(f"--config is no JSON: {error}") from error
    return config


def _parameter(name: str, schema: Mapping[str, Any]) -> str:
    kinds = [schema, *schema.get("anyOf", []), schema.get("bounds", {})]
    limits = [f"{sign} {kind[key]}" for kind in kinds for key, sign in _SIGNS.items() if key in kind]
    choices = " | ".join(schema.get("choices", {}))
    default = f"default {_told(schema['default'])}" if "default" in schema else "must be given"
    facts = ", ".join(part for part in (schema.get("unit", ""), *dict.fromkeys(limits), choices, default) if part)
    return f"  {name} ({facts})\n      {schema.get('description', '')}"


def _told(default: Any) -> str:
    return "none" if default is None else str(default)


def _from_file(path: Path) -> tuple[Candles, str, MarketSpec]:
    described = describe_file(path)
    if described is None:
        raise CommandError(f"{path} is not named as candles are: exchange_SYMBOL_spot|linear_timeframe.parquet")
    try:
        candles = read_file(path)
    except CandleFileError as error:
        raise CommandError(str(error)) from error
    return candles, described.timeframe, _market(described.symbol, MarketKind(described.kind), _tick(candles))


def _synthetic(days: int, seed: int) -> tuple[Candles, str, MarketSpec]:
    candles = synthetic_market([SYNTHETIC], minutes=days * 1440, seed=seed)[SYNTHETIC]
    return candles, "1m", _market(SYNTHETIC, MarketKind.LINEAR, Decimal(repr(COINS[SYNTHETIC].tick)))


def _tick(candles: Candles) -> Decimal:
    """The finest decimal place in which the closes are told."""
    exponents = [Decimal(repr(price)).normalize().as_tuple().exponent for price in np.unique(candles.close).tolist()]
    return Decimal(1).scaleb(min([0, *(each for each in exponents if isinstance(each, int))]))


def _market(symbol: str, kind: MarketKind, tick: Decimal) -> MarketSpec:
    return MarketSpec(
        symbol=symbol, kind=kind, base="BASE", quote="QUOTE", tick=tick, step=STEP, min_amount=STEP, maker_fee=FEE,
        taker_fee=FEE,
    )  # fmt: skip
