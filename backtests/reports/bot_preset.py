"""From a back-test to a bot: the document that ``manage.py bots apply`` takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backtests.reports import wording
from backtests.reports.html import write_whole
from strategies.yaml_writing import escaped, written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from backtests.outcome import Outcome
    from backtests.preset import Preset

ACCOUNT = "paper"


def write_preset(outcome: Outcome, path: Path) -> None:
    write_whole(path, bot_document(outcome.preset, about(outcome)).encode())


def about(outcome: Outcome) -> list[str]:
    first, last = outcome.period
    summary = outcome.summary
    return [
        f"From a back-test of {wording.moment(first)} to {wording.moment(last)} UTC: "
        f"{wording.signed_percent(summary.total_return)}, max drawdown {wording.percent(summary.max_drawdown)}.",
        f"Its hash: {outcome.hash}",
    ]


def bot_document(preset: Preset, remarks: list[str]) -> str:
    """A paper account with the back-test's balance and costs, and a stopped bot on it. ``remarks`` stand above it."""
    return bots_document({bot_name(preset): preset}, remarks)


def bots_document(presets: Mapping[str, Preset], remarks: list[str]) -> str:
    """The same of several bots by their names, on one balance; the account's slippage is their highest."""
    first = next(iter(presets.values()))
    slippage = max(preset.slippage for preset in presets.values())
    document = {
        "accounts": {
            ACCOUNT: {
                "environment": "paper",
                "paper_balances": {first.quote: f"{first.initial_balance:f}"},
                **({"paper_slippage": f"{slippage:f}"} if slippage else {}),
            }
        },
        "bots": {
            name: {
                "account": ACCOUNT,
                "symbol": preset.symbol,
                "strategy": preset.strategy,
                "mode": "paper",
                "config": preset.strategy_config.model_dump(mode="json", exclude_defaults=True),
            }
            for name, preset in presets.items()
        },
    }
    lines = [*remarks, "Take another account's name to trade elsewhere, and leave `accounts` out then."]
    return "".join(f"# {line}\n" for line in lines) + written(escaped(document))


def bot_name(preset: Preset) -> str:
    """``eth-usdt-grid``."""
    pair = preset.symbol.partition(":")[0]
    return re.sub(r"[^a-z0-9_]+", "-", f"{pair}-{preset.strategy}".lower()).strip("-")[:64]
