"""The forms of a bot. What a strategy can be told is generated from its configuration model (``web/schema_forms.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from bots.models import Bot, BotMode
from bots.models.bot import ENVIRONMENTS_OF_MODE, MODE_EXPLANATIONS
from exchange.models import ExchangeAccount
from strategies.contract import StrategyConfig
from web.schema_forms import SchemaForm, nested, schema_fields

PREFIX = "config."
_BOT_FIELDS = ("name", "account", "symbol", "mode", "tick_interval")


@dataclass(frozen=True, slots=True)
class ModeChoice:
    """``tag`` is the radio button; ``accounts`` are the names of those that a bot of this mode can be on."""

    tag: str
    mode: BotMode
    explanation: str
    accounts: list[str]


class BotForm(SchemaForm):
    """``bot_form`` makes one that also holds the strategy's own fields, named ``config.<field>``."""

    name = forms.SlugField(
        max_length=64,
        label="Name",
        help_text="Letters, digits, dashes and underscores; it is the bot's address.",
        widget=forms.TextInput(attrs={"placeholder": "eth-grid", "autocomplete": "off", "autocapitalize": "none"}),
        error_messages={"invalid": "A name is made of letters, digits, dashes and underscores: eth-grid, for example."},
    )
    account = forms.ModelChoiceField(
        ExchangeAccount.objects.all(),
        label="Exchange account",
        empty_label=None,
        help_text="Where the orders go.",
    )
    symbol = forms.CharField(
        max_length=64,
        label="Symbol",
        help_text="As ccxt writes it: ETH/USDT is spot, ETH/USDT:USDT is linear.",
        widget=forms.TextInput(
            attrs={"list": "symbols", "placeholder": "ETH/USDT", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
    mode = forms.ChoiceField(choices=BotMode.choices, label="Mode", widget=forms.RadioSelect, initial=BotMode.DEMO)
    tick_interval = forms.IntegerField(
        min_value=1,
        max_value=3600,
        initial=1,
        label="Tick interval",
        help_text="How often the bot looks at the market.",
    )
    tick_interval.unit = "s"  # type: ignore[attr-defined]

    @property
    def bot_fields(self) -> list[BoundField]:
        return [self[name] for name in _BOT_FIELDS if name in self.fields]

    @property
    def modes(self) -> list[ModeChoice]:
        """Each with the accounts that fit it. One query."""
        accounts = list(ExchangeAccount.objects.order_by("name").values_list("name", "environment"))
        return [
            ModeChoice(
                tag=option.tag(),
                mode=mode,
                explanation=MODE_EXPLANATIONS[mode],
                accounts=[name for name, environment in accounts if environment in ENVIRONMENTS_OF_MODE[mode]],
            )
            for mode, option in zip(BotMode, self["mode"], strict=True)
        ]

    def config(self) -> dict[str, Any]:
        """What was given of the strategy's settings, by the model's field names. Only after ``is_valid``."""
        return nested({name.removeprefix(PREFIX): value for name, value in self.given().items()})

    def forget_untouched_errors(self) -> None:
        """A preview while typing does not blame a field that has not been reached yet."""
        for name in list(self.errors):
            if name in self.fields and self[name].value() in (None, ""):
                del self.errors[name]


def bot_form(config_model: type[StrategyConfig]) -> type[BotForm]:
    """The form class of bots whose strategy is configured by ``config_model``."""
    return type(f"{config_model.__name__}Form", (BotForm,), dict(schema_fields(config_model, PREFIX)))


def initial_of(bot: Bot) -> dict[str, Any]:
    """The form's initial values for an existing bot."""
    values: dict[str, Any] = {name: getattr(bot, name) for name in _BOT_FIELDS}
    values["account"] = bot.account_id
    return values | {PREFIX + name: value for name, value in bot.config.items()}
