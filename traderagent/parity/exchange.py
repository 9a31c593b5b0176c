"""The simulated exchange of a comparison: its own process, the market that the preset describes, a stepped clock."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from backtests.preset import Preset
from backtests.terms import PaysIn
from exchange.candles.files import COLUMNS, Candles
from strategies.contract import MarketKind, MarketSpec
from traderagent.embedded.home import PROJECT
from traderagent.parity.errors import ParityError

# The simulator's exchange states limits; these are none.
BEYOND_ALL = Decimal("1e15")
_TIMEOUT_S = 60


class SteppedExchange:
    """A running simulator. ``url`` is where it listens; ``key`` and ``secret`` are its account's, which no other one has:
    gateways are kept by them, and an address may be an earlier exchange's."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url, self.key, self.secret = url, key, secret
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)

    def step(self, points: int = 1) -> int:
        """Moves the market on and returns its time, ms UTC."""
        return int(self._ask("POST", "/simulator/step", {"points": points})["time"])

    def time(self) -> int:
        return int(self._ask("GET", "/simulator/status")["time"])

    def inject(self, script: str) -> None:
        """Adds fault rules, one to a line: ``exchange/simulator/README.md`` has their grammar."""
        self._ask("POST", "/simulator/faults", {"script": script})

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
        with self._connection.getresponse() as response:
            answer: dict[str, Any] = json.load(response)
        if response.status != 200:
            raise ParityError(f"The simulator refused {method} {path}: {answer}")
        return answer


@contextmanager
def stepped_exchange(
    preset: Preset, market: MarketSpec, candles: Candles, *, past: int, folder: Path
) -> Iterator[SteppedExchange]:
    """A simulator on 127.0.0.1 at a free port that stands at the first point after the ``past`` first candles.

    Raises :class:`ParityError` when the preset asks for what the simulated exchange cannot be.
    """
    check_can_be_simulated(preset)
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    flags = [*_flags(preset, market, candles, past, folder), f"--api-key={key}", f"--api-secret={secret}"]
    command = [sys.executable, "-m", "exchange.simulator", *flags]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")}
    log = folder / "simulator.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "listening on " not in line:
            process.wait(_TIMEOUT_S)
            raise ParityError(f"The simulator did not start: {log.read_text().strip()}")
        exchange = SteppedExchange(line.split("listening on ")[1].split()[0], key, secret)
        try:
            yield exchange
        finally:
            exchange.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_TIMEOUT_S)


def check_can_be_simulated(preset: Preset) -> None:
    """Raises :class:`ParityError`."""
    own = getattr(preset.strategy_config, "leverage", None)
    if preset.leverage and own is not None and Decimal(own) != preset.leverage and preset.market is MarketKind.LINEAR:
        raise ParityError(
            f"leverage is {preset.leverage}, the strategy's own {own}, and a bot sets its strategy's: make them equal."
        )
    if preset.market is MarketKind.SPOT and preset.fees.buyer_pays_in is PaysIn.QUOTE:
        raise ParityError("fees.buyer_pays_in is quote; the simulated exchange takes a buyer's fee in base, as Bybit.")
    plain = Preset.model_fields
    for name in ("spread", "impact", "volume_share", "latency", "intrabar", "funding"):
        if getattr(preset, name) != plain[name].default:
            raise ParityError(
                f"{name} is {getattr(preset, name)}: the simulated exchange does not know it; take it out to compare."
            )
    if preset.fees.maker < 0:
        raise ParityError(f"fees.maker is {preset.fees.maker}: the simulated exchange pays no rebates.")


def _flags(preset: Preset, market: MarketSpec, candles: Candles, past: int, folder: Path) -> list[str]:
    kind = preset.market.value
    name = f"{preset.base}{preset.quote}"
    file = folder / f"parity_{name}_{kind}_{preset.timeframe}.parquet"
    pd.DataFrame({column: getattr(candles, column) for column in COLUMNS}).to_parquet(file)
    rules = folder / "instruments.json"
    rules.write_text(json.dumps({f"{kind}/{name}": _rules(market)}), encoding="utf-8")
    flags = {
        "state": folder / "state",
        "file": file,
        "offset": past,
        "port": 0,
        "clock": "stepped",
        "network": "no",
        "balances": f"{preset.quote}={preset.initial_balance}",
        "fill": preset.fill.value,
        "slippage": preset.slippage,
        f"{kind}-maker": preset.fees.maker,
        f"{kind}-taker": preset.fees.taker,
        "instruments": rules,
    }
    return [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]


def _rules(market: MarketSpec) -> dict[str, str]:
    most = market.max_amount or (BEYOND_ALL / market.step).to_integral_value() * market.step
    return {
        "tick": f"{market.tick:f}",
        "step": f"{market.step:f}",
        "min_qty": f"{max(market.min_amount, market.step):f}",
        "max_qty": f"{most:f}",
        "max_market_qty": f"{most:f}",
        "min_notional": f"{market.min_notional or Decimal(0):f}",
    }
