"""Every reason code as an English sentence with its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from strategies.contract import Reason

TEMPLATES: Final[Mapping[str, str]] = {
    "grid.armed": "Waiting for the price to reach {trigger}; it is {price}.",
    "grid.triggered": "The price reached the trigger {trigger} at {price}: the grid starts.",
    "grid.built": "Laid out {intervals} intervals from {lower} to {upper} at price {price}.",
    "grid.entry": "Trade {amount} at market near {price}: what {intervals} intervals beyond the price hold.",
    "grid.open": "Interval {interval} waits at {price} to open {amount} and close it at {target}.",
    "grid.take_profit": "Interval {interval} opened at {opened_at} and closes {amount} at {price}.",
    "grid.cycle": "Interval {interval} completed a cycle: {amount} opened at {opened_at}, closed at {closed_at}, "
    "{gross_profit} before fees.",
    "grid.trailed_up": "The price {price} passed the top line by an interval: the range is now {lower} to {upper}.",
    "grid.trailed_down": "The price {price} passed the bottom line by an interval: the range is now {lower} to {upper}.",
    "grid.range_left": "The price {price} stayed outside {lower} to {upper}: the grid is built again around it.",
    "grid.stop_loss_price": "Stop loss: the price is {value}, the limit {limit}.",
    "grid.stop_loss_percent": "Stop loss: profit and loss is {value} % of the investment, the limit {limit} %.",
    "grid.take_profit_price": "Take profit: the price is {value}, the target {limit}.",
    "grid.take_profit_percent": "Take profit: profit and loss is {value} % of the investment, the target {limit} %.",
    "grid.stop": "Closes {amount} at the exchange itself when the price reaches {price}: the stop loss of all that is held.",
    "grid.close": "Close {amount} at market because the grid stopped ({cause}).",
}


def explain(reason: Reason) -> str:
    """The sentence for a reason. A code without a template is shown with its numbers as they are."""
    template = TEMPLATES.get(reason.code)
    numbers = {name: _shown(value) for name, value in reason.numbers.items()}
    if template is None:
        return f"{reason.code}: " + ", ".join(f"{name} {value}" for name, value in numbers.items())
    return template.format_map(numbers)


def _shown(value: float | int | str) -> str:
    """Ten significant digits, never an exponent for what is traded."""
    if isinstance(value, float):
        text = f"{value:.10f}" if abs(value) < 1 else f"{value:.10g}"
        return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    return str(value)
