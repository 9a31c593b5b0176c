"""``python -m exchange.simulator``: starts the exchange. Every flag can be set by ``SIMULATOR_<FLAG>`` as well."""

from __future__ import annotations

import argparse
import asyncio
import decimal
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from aiohttp import web

from exchange.candles.files import CandleFileError
from exchange.simulator.administration import Status
from exchange.simulator.app import create_app, scope_of
from exchange.simulator.clock import ClockKind
from exchange.simulator.config import Config, StateError, open_engine
from exchange.simulator.endpoints import PATHS
from exchange.simulator.engine import Engine
from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.rules import describe
from exchange.simulator.faults.script import parse_script
from exchange.simulator.instruments import Fees, OwnRules, read_rules
from exchange.simulator.limits import USAGE, read_limits

log = logging.getLogger("simulator")


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m exchange.simulator",
        description="A simulated exchange that speaks Bybit V5 on replayed candles.",
        epilog="Every flag can be given as SIMULATOR_<FLAG> in the environment (SIMULATOR_PORT, SIMULATOR_FILE as a "
        "comma list, ...); a flag goes before the environment.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def flag(name: str, default: str, text: str, **options: object) -> None:
        variable = "SIMULATOR_" + name.replace("-", "_").upper()
        made.add_argument(f"--{name}", default=environment.get(variable, default), help=text, **options)  # type: ignore[arg-type]

    flag("host", "127.0.0.1", "address to listen on")
    flag("port", "8100", "port to listen on; 0 takes a free one and prints it", type=int)
    flag("state", ".traderagent/simulator", "directory that the exchange's state is kept in", type=Path)
    flag("candles", "", "directory of candle files; without it candles are downloaded or made up")
    flag("file", "", "exactly these candle files, comma-separated; goes before --candles")
    flag("symbols", "BTCUSDT,ETHUSDT,SOLUSDT", "symbols to replay, comma-separated")
    flag("seed", "7", "seed of the synthetic market and of the faults", type=int)
    flag("network", "yes", "whether candles may be downloaded", choices=("yes", "no"))
    flag("cache", "", "directory for downloaded candles (default: beside the state)")
    flag("clock", "accelerated", "what moves the market", choices=tuple(kind.value for kind in ClockKind))
    flag("speed", "60", "seconds of the market's time in one second, for the accelerated clock", type=float)
    flag(
        "offset",
        "",
        "candles that lie in the past at the start; empty for a day of them, and none with the stepped clock",
    )
    flag("history", "0", "days before the market's beginning that it has candles of; not with --file", type=int)
    flag("api-key", "simulator-key", "API key of the default account")
    flag("api-secret", "simulator-secret", "its secret")
    flag("balances", "USDT=100000", "its balances when it is opened, as USDT=100000,BTC=1")
    flag("fill", "touch", "when a resting limit order fills", choices=("touch", "through"))
    flag("slippage", "0", "of market and stop orders, as a fraction")
    flag("spot-maker", "0.001", "fee as a fraction")
    flag("spot-taker", "0.001", "fee as a fraction")
    flag("linear-maker", "0.0002", "fee as a fraction")
    flag("linear-taker", "0.00055", "fee as a fraction")
    flag("instruments", "", "JSON file with the increments and limits of markets; the README has its form")
    flag("faults", "", "file with fault rules, one to a line; the README has their grammar")
    flag("rate-limits", "off", f"how many requests are taken: {USAGE}")
    return made


def _decimal(name: str, written: str) -> Decimal:
    try:
        number = Decimal(written)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise StateError(f"--{name} {written!r} must be a number that is not negative")
    return number


def read_config(arguments: list[str], environment: Mapping[str, str]) -> Config:
    """Raises ``StateError`` for a value that argparse cannot judge."""
    given = parser(environment).parse_args(arguments)
    clock = ClockKind(given.clock)
    if given.speed <= 0:
        raise StateError(f"--speed {given.speed} must be above 0")
    if given.offset and not given.offset.isdigit():
        raise StateError(f"--offset {given.offset!r} must be a whole number of candles")
    if given.history < 0:
        raise StateError(f"--history {given.history} must be a number of days")
    balances = {}
    for one in filter(None, given.balances.split(",")):
        coin, _, amount = one.partition("=")
        balances[coin.strip().upper()] = _decimal("balances", amount)
    return Config(
        host=given.host,
        port=given.port,
        state=given.state,
        directory=Path(given.candles) if given.candles else None,
        files=[Path(one) for one in given.file.split(",") if one],
        symbols=[one.strip().upper() for one in given.symbols.split(",") if one.strip()],
        seed=given.seed,
        network=given.network == "yes",
        cache=Path(given.cache) if given.cache else given.state / "candles",
        clock=clock,
        speed=given.speed,
        offset=int(given.offset) if given.offset else None,
        history=given.history,
        api_key=given.api_key,
        api_secret=given.api_secret,
        balances=balances,
        through=given.fill == "through",
        slippage=_decimal("slippage", given.slippage),
        fees=Fees(
            spot_maker=_decimal("spot-maker", given.spot_maker),
            spot_taker=_decimal("spot-taker", given.spot_taker),
            linear_maker=_decimal("linear-maker", given.linear_maker),
            linear_taker=_decimal("linear-taker", given.linear_taker),
        ),
        faults=Path(given.faults) if given.faults else None,
        limits=given.rate_limits,
        rules=_rules(Path(given.instruments)) if given.instruments else None,
    )


def _rules(path: Path) -> OwnRules:
    try:
        return read_rules(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise StateError(f"--instruments {path}: {error}") from error


def load_faults(engine: Engine, path: Path) -> None:
    """Adds the rules of a file. Raises ``StateError`` that names the file, the lines and what is wrong with them."""
    try:
        engine.faults.add(parse_script(path.read_text(encoding="utf-8"), scope_of(engine)))
    except (FaultError, UnicodeDecodeError) as error:
        raise StateError(f"--faults {path}: {error}") from error
    engine.apply_faults()
    for fault in engine.faults.faults:
        if fault.stage == "done":
            log.warning("%r is past: the market stands at point %s", describe(fault.rule), engine.replay.point)


async def serve(config: Config) -> None:
    try:
        limits = read_limits(config.limits, PATHS)
    except ValueError as error:
        raise StateError(f"--rate-limits: {error}") from error
    engine, source, synthetic = open_engine(config)
    if config.faults is not None:
        load_faults(engine, config.faults)
    status = Status(config.clock, config.speed, source, synthetic)
    runner = web.AppRunner(create_app(engine, status, limits), access_log=None, handle_signals=False)
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        site = web.TCPSite(runner, config.host, config.port)
        await site.start()
        # The line that whoever asked for port 0 waits for.
        host, port = runner.addresses[0][:2]
        print(f"simulator listening on http://{host}:{port} ({', '.join(source)})", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    # Sums of balances have more digits than the default context keeps.
    decimal.getcontext().prec = 60
    try:
        asyncio.run(serve(read_config(sys.argv[1:], os.environ)))
    except (CandleFileError, StateError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
