"""``manage.py drift``: a bot's live fills against the back-test of the same time. Exit code 1 when they drifted apart."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.models import Bot
from exchange.encryption import require_encryption_key
from traderagent.parity.drift import drift_of
from traderagent.parity.drift_candles import candles_for
from traderagent.parity.errors import ParityError
from traderagent.parity.telling import drift_lines


class Command(BaseCommand):
    help = "Compares what a bot traded in its present run with the back-test of that time. Exit code 1 on a difference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bot", help="its name")
        parser.add_argument("--candles", help="a file or a series of the store; without it the bot's exchange is asked")
        parser.add_argument("--timeframe", default="1m", help="of the candles that are back-tested (1m)")
        parser.add_argument("--json", dest="out", type=Path, help="write the report to this file too")

    def handle(self, *args: Any, bot: str, candles: str | None, timeframe: str, out: Path | None, **_: Any) -> None:
        if out is not None and not out.absolute().parent.is_dir():
            raise CommandError(f"{out} cannot be written: there is no folder {out.absolute().parent}.")
        require_encryption_key()
        found = Bot.objects.select_related("account").filter(name=bot).first()
        if found is None:
            known = ", ".join(Bot.objects.order_by("name").values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no bot {bot}. Known: {known}.")
        try:
            report = drift_of(found, candles_for(found, timeframe, candles), timeframe)
        except ParityError as error:
            raise CommandError(str(error)) from error
        if out is not None:
            out.write_text(json.dumps(report.as_json(), indent=2), encoding="utf-8")
        for line in drift_lines(report):
            self.stdout.write(line)
        if report.deviations:
            sys.exit(1)
