"""What is asked of a new back-test of a portfolio."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from backtests.yaml_form import MADE_UP, YamlForm, yaml_area


class PortfolioForm(YamlForm):
    wanted: ClassVar = "A portfolio is a mapping: initial_balance, market, fees, …, and a list of bots."

    preset = forms.CharField(label="Portfolio", widget=yaml_area(30))
    source = forms.CharField(
        label="Candles",
        max_length=20_000,
        widget=yaml_area(6),
        help_text="One on a line: ETHUSDT=bybit/linear/ETHUSDT for a symbol, an exchange as bybit for all symbols in the "
        f"candle store that nothing else is said of, or made-up markets: {MADE_UP}",
    )

    def clean_preset(self) -> object:
        said = super().clean_preset()
        # Without bots it would be a preset, and the back-test one of a single bot.
        return {"bots": None, **said}
