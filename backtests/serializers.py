"""What the API takes and gives. Rows of lists have the same fields as the single thing."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backtests.models import JobStatus, StudyKind
from web.lists import Filters

_PERIOD = "Milliseconds UTC; left out: as far as the source reaches."


class BackTestIn(serializers.Serializer[Any]):
    preset = serializers.DictField(help_text="What a preset file holds (docs/backtesting/presets.md).")
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=200,
        help_text="A series of the candle store (`bybit/linear/ETHUSDT`) or a made-up market (`synthetic:sine,days=30`).",
    )
    since = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text=_PERIOD)
    until = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text=_PERIOD)


class StudyIn(BackTestIn):
    search = serializers.DictField(
        help_text="What a search file holds besides preset and candles: parameters, objectives, constraints, method, trials."
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
    total = serializers.IntegerField(help_text="Trials.")
    finished = serializers.IntegerField(help_text="Trials that are done.")


class JobFilters(Filters):
    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)
    symbol = serializers.CharField(required=False, source="preset__symbol")
    strategy = serializers.CharField(required=False, source="preset__strategy")
