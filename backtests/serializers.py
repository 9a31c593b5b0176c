"""What the API takes and gives. Rows of lists have the same fields as the single thing."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from backtests.analysis.kinds import KINDS
from backtests.models import JobStatus, StudyKind
from web.lists import Filters

_PERIOD = "Milliseconds UTC; left out: as far as the source reaches."


def _default(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


class BackTestIn(serializers.Serializer[Any]):
    preset = serializers.DictField(
        help_text="What a preset file holds (docs/backtesting/presets.md). With a list of `bots` it is a portfolio: many "
        "bots on one balance, as a portfolio's file says it (docs/backtesting/portfolio.md)."
    )
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=20_000,
        help_text="A series of the candle store (`bybit/linear/ETHUSDT`) or a made-up market (`synthetic:sine,days=30`). "
        "Of a portfolio: `ETHUSDT=SOURCE` for each symbol, a space between them, or an exchange (`bybit`) whose series "
        "serve all symbols that nothing else is said of.",
    )
    since = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text=_PERIOD)
    until = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text=_PERIOD)


class StudyIn(BackTestIn):
    kind = serializers.ChoiceField(
        choices=StudyKind.choices,
        default=StudyKind.OPTIMISE,
        help_text="What is asked, as the command of this name does.",
    )
    preset = serializers.DictField(
        default=dict,
        help_text="What a preset file holds (docs/backtesting/presets.md); `grid-system` can do without one.",
    )
    source = serializers.CharField(
        max_length=20_000,
        help_text="As of a back-test; for `rank` and `grid-system` the coins, a space between them.",
    )
    search = serializers.DictField(
        default=dict,
        help_text="What a search file holds besides preset and candles: parameters, objectives, constraints, method, "
        "trials. Not for `rank` and `grid-system`; `monte-carlo` can do without one.",
    )
    options = serializers.DictField(
        default=dict,
        help_text="; ".join(
            f"`{kind.name}`: {', '.join(f'{each.name} ({_default(each.default)})' for each in kind.options)}"
            for kind in KINDS.values()
        ),
    )


class JobOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    progress = serializers.FloatField(help_text="A share, 0 to 1.")
    seconds_left = serializers.FloatField(allow_null=True, help_text="At the pace so far.")
    error = serializers.CharField()
    preset = serializers.DictField()
    source = serializers.CharField()  # type: ignore[assignment]
    since = serializers.IntegerField(allow_null=True)
    until = serializers.IntegerField(allow_null=True)
    summary = serializers.DictField()
    hash = serializers.CharField(help_text="Over code, data and everything asked.")
    same_as = serializers.IntegerField(allow_null=True, help_text="The earlier one whose result this is.")
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class BackTestOut(JobOut):
    pass


class StudyOut(JobOut):
    kind = serializers.ChoiceField(choices=StudyKind.choices)
    search = serializers.DictField()
    options = serializers.DictField()
    total = serializers.IntegerField(help_text="Runs, as far as they can be known beforehand.")
    finished = serializers.IntegerField(help_text="Runs that are done.")


class JobFilters(Filters):
    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)
    symbol = serializers.CharField(required=False, help_text="Of a portfolio: of any of its bots.")
    strategy = serializers.CharField(required=False, help_text="Of a portfolio: of any of its bots.")

    def apply(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        columns = dict(self.validated_data)
        of_bot = {name: columns.pop(name) for name in ("symbol", "strategy") if name in columns}
        if of_bot:
            rows = rows.filter(Q(preset__contains=of_bot) | Q(preset__contains={"bots": [of_bot]}))
        return rows.filter(**columns)


class StudyFilters(JobFilters):
    kind = serializers.ChoiceField(choices=StudyKind.choices, required=False)
