"""Commands of ``manage.py`` that look at candles and strategies only, run on ``research_settings``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

# The command's word, with the module that holds it.
COMMANDS: Final = {
    "backtest": "backtests.management.commands.backtest",
    "grid-system": "backtests.management.commands.grid-system",
    "monte-carlo": "backtests.management.commands.monte-carlo",
    "optimise": "backtests.management.commands.optimise",
    "parity": "traderagent.parity.management.commands.parity",
    "rank": "backtests.management.commands.rank",
    "robustness": "backtests.management.commands.robustness",
    "strategies": "backtests.management.commands.strategies",
    "sensitivity": "backtests.management.commands.sensitivity",
    "walk-forward": "backtests.management.commands.walk-forward",
}


def is_research(arguments: Sequence[str]) -> bool:
    """Whether ``manage.py`` was called with one of them. Django's own ``--settings`` and ``help`` are for Django."""
    return (
        len(arguments) > 1 and arguments[1] in COMMANDS and not any(each.startswith("--settings") for each in arguments)
    )


def run_research(arguments: list[str]) -> None:
    """As ``django.core.management.execute_from_command_line`` does, without ``django.setup``: there are no applications."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "traderagent.research_settings"
    from django.conf import settings

    from strategies import registry

    registry.use_folder(settings.STRATEGIES_DIR)
    import_module(COMMANDS[arguments[1]]).Command().run_from_argv(arguments)
