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
    "dca.base": "Deal {deal} opens with a market order to {side} {amount}.",
    "dca.safety": "Safety order {number} waits at {price} for {amount}: {away} % from the base order at {base}.",
    "dca.take_profit": "Takes profit on {amount} at {price}, measured from an average price of {average} (step {step}).",
    "dca.stop": "Closes {amount} at the exchange itself when the price reaches {price}: the stop loss of the deal.",
    "dca.close": "Closes {amount} at market ({cause}).",
    "dca.started": "Deal {deal} starts at {price}; start conditions met: {conditions}.",
    "dca.met_rsi": "The RSI is {rsi}, {side} its limit {limit}.",
    "dca.met_ema_cross": "The fast average {fast} crossed the slow one, now {slow}.",
    "dca.met_bollinger": "The last candle closed outside the Bollinger bands, at {percent} % of the way from the lower to the "
    "upper one.",
    "dca.met_price": "The price is {price}, {side} the start price {limit} or at it.",
    "dca.met_signal": "A signal to go {direction} arrived.",
    "dca.waits_cool_down": "The next deal waits: {seconds} s of cool-down after the last one.",
    "dca.waits_daily_loss": "No deal starts before midnight UTC: {loss} lost today, the limit is {limit}.",
    "dca.waits_min_price": "No deal starts: the price {price} is below {limit}.",
    "dca.waits_max_price": "No deal starts: the price {price} is above {limit}.",
    "dca.waits_condition": "The next deal waits for its start conditions: {met} met, {needed} needed.",
    "dca.waits_size": "No deal starts: the base order would trade {amount} at this price, the minimum is {limit}.",
    "dca.opened": "Deal {deal} opened at {price}; {safety_orders} safety orders follow.",
    "dca.averaged": "Safety order {number} was filled: the average is now {average}, the take profit at {price}.",
    "dca.took_profit": "Take profit {step} of {steps} was filled at {price}; {held} are left.",
    "dca.trailing": "The price reached the take profit at {price} and is followed until it comes back by {back} %.",
    "dca.trailed": "The price came back to {price} from its best {best} (limit {limit}): the deal is closed.",
    "dca.stop_loss": "Stop loss: the price is {price}, the limit {limit}.",
    "dca.stop_loss_waits": "The price {price} is beyond the stop loss {limit}: the deal is closed if it stays there for "
    "{seconds} s.",
    "dca.stop_loss_recovered": "The price {price} is back on the good side of the stop loss {limit}.",
    "dca.deal_time": "The deal is {seconds} s old, the limit {limit}: it is closed.",
    "dca.too_little": "Deal {deal} holds {amount}, too little to be closed: it is left, and closed with the next deal.",
    "dca.left_over": "{amount} came in after the deal was over: closed at market.",
    "dca.over": "Deal {deal} is over ({cause}): {profit} before fees.",
    "dca.finished": "The bot stops after {deals} deals; {left} are left as dust.",
    "dca.finished_by_stop_loss": "The bot stops after the stop loss of deal {deals}; {left} are left as dust.",
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
