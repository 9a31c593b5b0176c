"""What goes out and what comes in. Rows of lists have the same fields as the single thing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from bots.lifecycle import BotStatus, OrderStatus
from bots.models import BotMode, EventKind, Severity
from bots.models.bot import ENVIRONMENTS_OF_MODE
from bots.models.order import SIDES, TYPES
from exchange.connection import Verdict
from exchange.models import Environment, ExchangeAccount
from web.problem_details import ProblemOut
from web.rendering import PlainDecimalField

_DIRECTIONS = [("long", "Long"), ("short", "Short")]
_ACTIONS = [("place", "Place"), ("cancel", "Cancel"), ("refuse", "Refuse"), ("note", "Note")]


class PositionOut(serializers.Serializer[Any]):
    amount = PlainDecimalField(help_text="In base, net of fees taken in base; negative is short.")
    average_price = PlainDecimalField(help_text="0 when flat.")
    cost = PlainDecimalField(help_text="Signed, in quote.")
    fees = PlainDecimalField(help_text="Paid so far, valued in quote.")


class BotOut(serializers.Serializer[Any]):
    name = serializers.SlugField()
    status = serializers.ChoiceField(choices=BotStatus.choices)
    status_reason = serializers.CharField()
    mode = serializers.ChoiceField(choices=BotMode.choices)
    strategy = serializers.CharField()
    symbol = serializers.CharField(help_text="ETH/USDT is spot, ETH/USDT:USDT linear.")
    account = serializers.SlugField(help_text="Name of the exchange account.")
    owner = serializers.CharField()
    config = serializers.DictField(help_text="See /api/v1/strategies/ for its JSON schema.")
    tick_interval = serializers.IntegerField(help_text="Seconds between ticks.")
    position = PositionOut()
    realised_pnl = PlainDecimalField(help_text="After fees, in quote.")
    open_orders = serializers.IntegerField()
    run = serializers.IntegerField(help_text="How often it was started.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)
    last_tick_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()
    errors_in_a_row = serializers.IntegerField()


def _only_account(mode: BotMode) -> ExchangeAccount:
    fit = list(ExchangeAccount.objects.filter(environment__in=ENVIRONMENTS_OF_MODE[mode]).order_by("name")[:10])
    if len(fit) == 1:
        return fit[0]
    names = ", ".join(account.name for account in fit)
    mend = f"name one of: {names}" if fit else f"there is none that mode {mode} can trade on; add one first"
    raise serializers.ValidationError({"account": f"account is missing: {mend}."})


def _one_of(names: Iterable[str]) -> dict[str, Any]:
    return {"invalid_choice": f'"{{input}}" is none of {", ".join(names)}.'}


class PlanIn(serializers.Serializer[Any]):
    """What a preview needs."""

    account = serializers.SlugRelatedField(
        slug_field="name",
        queryset=ExchangeAccount.objects.all(),
        required=False,
        error_messages={"does_not_exist": "There is no exchange account named {value}."},
        help_text="May be left out where there is only one that the mode can trade on.",
    )
    symbol = serializers.CharField(max_length=64)
    strategy = serializers.CharField(max_length=64)
    mode = serializers.ChoiceField(
        choices=BotMode.choices, default=BotMode.DEMO, error_messages=_one_of(BotMode.values)
    )
    config = serializers.DictField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "account" not in attrs and not self.partial:
            attrs["account"] = _only_account(BotMode(attrs.get("mode", BotMode.DEMO)))
        return attrs


class BotIn(PlanIn):
    # "preview" is an address of its own beside the bots.
    name = serializers.RegexField(
        r"^(?!preview$)[-a-zA-Z0-9_]+$",
        max_length=64,
        error_messages={"invalid": "A name is made of letters, digits, hyphens and underscores, and is not 'preview'."},
    )
    tick_interval = serializers.IntegerField(min_value=1, max_value=3600, default=1)


class StopIn(serializers.Serializer[Any]):
    close_position = serializers.BooleanField(
        default=False, help_text="Close what is held at market; otherwise it is kept."
    )
    reason = serializers.CharField(default="", allow_blank=True, max_length=500)


class EmergencyStopIn(serializers.Serializer[Any]):
    reason = serializers.CharField(default="", allow_blank=True, max_length=500)


class ExternalSignalIn(serializers.Serializer[Any]):
    direction = serializers.ChoiceField(choices=_DIRECTIONS)
    source = serializers.CharField(max_length=64, help_text="Who sends it, as `tradingview`.")  # type: ignore[assignment]
    delivery_id = serializers.CharField(
        max_length=128,
        help_text="The sender's own id of this signal: the same one counts once, however often it comes.",
    )


class ExternalSignalOut(ExternalSignalIn):
    bot = serializers.SlugField(source="bot.name")
    received_at = serializers.DateTimeField()


class LevelOut(serializers.Serializer[Any]):
    price = PlainDecimalField()
    side = serializers.ChoiceField(choices=SIDES)
    amount = PlainDecimalField()
    label = serializers.CharField()  # type: ignore[assignment]


class PreviewOut(serializers.Serializer[Any]):
    price = PlainDecimalField(allow_null=True)
    levels = LevelOut(many=True)
    problems = ProblemOut(many=True, help_text="Empty when the bot could be started like this.")


class OrderOut(serializers.Serializer[Any]):
    client_order_id = serializers.CharField()
    exchange_order_id = serializers.CharField()
    bot = serializers.SlugField()
    symbol = serializers.CharField()
    run = serializers.IntegerField()
    slot = serializers.CharField()
    sequence = serializers.IntegerField()
    attempt = serializers.IntegerField()
    trade_key = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    type = serializers.ChoiceField(choices=TYPES)
    status = serializers.ChoiceField(choices=OrderStatus.choices)
    amount = PlainDecimalField()
    price = PlainDecimalField(allow_null=True)
    trigger_price = PlainDecimalField(allow_null=True)
    filled = PlainDecimalField()
    filled_quote = PlainDecimalField()
    post_only = serializers.BooleanField()
    reduce_only = serializers.BooleanField()
    reject_reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    exchange_time = serializers.DateTimeField(allow_null=True)


class FillOut(serializers.Serializer[Any]):
    trade_id = serializers.CharField()
    bot = serializers.SlugField()
    client_order_id = serializers.CharField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    price = PlainDecimalField()
    amount = PlainDecimalField()
    fee = PlainDecimalField()
    fee_currency = serializers.CharField()
    is_maker = serializers.BooleanField()
    realised_pnl = PlainDecimalField(help_text="What this fill realised, after fees, in quote.")
    executed_at = serializers.DateTimeField(help_text="The exchange's time.")
    booked_at = serializers.DateTimeField()


class TradeOut(serializers.Serializer[Any]):
    bot = serializers.SlugField()
    symbol = serializers.CharField()
    run = serializers.IntegerField()
    key = serializers.CharField(help_text="grid:7 is the grid's interval 7.")
    ordinal = serializers.IntegerField()
    direction = serializers.ChoiceField(choices=_DIRECTIONS)
    amount = PlainDecimalField()
    exit_amount = PlainDecimalField()
    entry_value = PlainDecimalField()
    exit_value = PlainDecimalField()
    fees_quote = PlainDecimalField()
    profit = PlainDecimalField(help_text="Of what was closed, after fees, in quote.")
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class EventOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    bot = serializers.SlugField(allow_null=True)
    client_order_id = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=EventKind.choices)
    severity = serializers.ChoiceField(choices=Severity.choices)
    message = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()


class JournalOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    bot = serializers.SlugField()
    client_order_id = serializers.CharField(allow_null=True)
    action = serializers.ChoiceField(choices=_ACTIONS)
    code = serializers.CharField()
    sentence = serializers.CharField()
    numbers = serializers.DictField()
    checks = serializers.ListField()
    requested_by = serializers.CharField()
    price = PlainDecimalField(allow_null=True)
    created_at = serializers.DateTimeField()


class StrategyOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    regimes = serializers.ListField(child=serializers.CharField(), help_text="Market regimes it suits; empty: any.")
    config_schema = serializers.DictField(help_text="JSON schema of a bot's config.")


class AccountOut(serializers.Serializer[Any]):
    """Keys go in and never come out."""

    name = serializers.SlugField()
    exchange_id = serializers.CharField()
    environment = serializers.ChoiceField(choices=Environment.choices)
    base_url = serializers.CharField()
    options = serializers.DictField()
    paper_balances = serializers.DictField(help_text="What a paper account began with, by coin.")
    paper_slippage = PlainDecimalField()
    owner = serializers.CharField()
    has_keys = serializers.BooleanField(help_text="Whether a key and a secret are stored.")
    bots = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class AccountIn(serializers.Serializer[Any]):
    name = serializers.SlugField(max_length=64)
    exchange_id = serializers.CharField(max_length=32, default="bybit")
    environment = serializers.ChoiceField(choices=Environment.choices, error_messages=_one_of(Environment.values))
    base_url = serializers.CharField(max_length=200, allow_blank=True, default="")
    options = serializers.DictField(default=dict)
    paper_balances = serializers.DictField(
        child=serializers.DecimalField(max_digits=38, decimal_places=18, min_value=0),
        default=dict,
        help_text="Only for paper accounts: what they begin with, by coin; 10,000 USDT when left out.",
    )
    paper_slippage = serializers.DecimalField(
        max_digits=7,
        decimal_places=6,
        default=Decimal(0),
        help_text="Only for paper accounts: how much worse than the last price an order trades that does not rest; "
        "0.0005 is 0.05 %.",
    )
    api_key = serializers.CharField(max_length=256, allow_blank=True, default="", write_only=True)
    api_secret = serializers.CharField(max_length=512, allow_blank=True, default="", write_only=True)
    api_password = serializers.CharField(max_length=256, allow_blank=True, default="", write_only=True)

    def validate_paper_balances(self, balances: dict[str, Decimal]) -> dict[str, str]:
        return {coin: f"{amount.normalize():f}" for coin, amount in balances.items()}


class CheckOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[(verdict.value, verdict.name.capitalize()) for verdict in Verdict])
    sentence = serializers.CharField()


class ConnectionOut(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="Whether bots may trade with it; there may be warnings all the same.")
    checks = CheckOut(many=True)
