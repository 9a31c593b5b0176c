"""Every reason code as a sentence with its numbers, in every language there is.

A decision carries a code and numbers, never a text, so that what was decided long ago can be told in a language that was
added since. To add one, write a table as ``ENGLISH`` is and name it in ``LANGUAGES``: the same codes, the same names in
braces, in whatever order the language wants them. What it lacks is told in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from strategies.contract import Reason

ENGLISH: Final[Mapping[str, str]] = {
    "grid.armed": "Waiting for the price to reach {trigger}; it is {price}.",
    "grid.triggered": "The price reached the trigger {trigger} at {price}: the grid starts.",
    "grid.built": "Laid out {intervals} intervals from {lower} to {upper} at price {price}.",
    "grid.entry": "Trade {amount} at market near {price}: what {intervals} intervals beyond the price hold.",
    "grid.open": "Interval {interval} waits at {price} to open {amount} and close it at {target}.",
    "grid.take_profit": "Interval {interval} opened at {opened_at} and closes {amount} at {price}.",
    "grid.cycle": "Interval {interval} completed a cycle: {amount} opened at {opened_at}, closed at {closed_at}, "
    "{gross_profit:.4f} before fees.",
    "grid.trailed_up": "The price {price} passed the top line by an interval: the range is now {lower} to {upper}.",
    "grid.trailed_down": "The price {price} passed the bottom line by an interval: the range is now {lower} to {upper}.",
    "grid.range_left": "The price {price} stayed outside {lower} to {upper}: the grid is built again around it.",
    "grid.stop_loss_price": "Stop loss: the price is {value}, the limit {limit}.",
    "grid.stop_loss_percent": "Stop loss: profit and loss is {value:.2f} % of the investment, the limit {limit} %.",
    "grid.take_profit_price": "Take profit: the price is {value}, the target {limit}.",
    "grid.take_profit_percent": "Take profit: profit and loss is {value:.2f} % of the investment, the target {limit} %.",
    "grid.stop": "Closes {amount} at the exchange itself when the price reaches {price}: the stop loss of all that is held.",
    "grid.close": "Close {amount} at market because the grid stopped ({cause}).",
    "trend.market": "The market is in {phase}, direction {side}, with an ADX of {strength:.1f}.",
    "trend.entry": "Enter {amount} at {price} for a {kind}; the stop is to stand at {stop}.",
    "trend.entered": "Entered {amount} of {wished} at {price} on average; the stop stands at {stop}.",
    "trend.entry_missed": "The entry of {wished} at {price} is given up: {amount} of it was filled.",
    "trend.too_small": "No entry for a {kind} at {price} with a stop at {stop}: an equity of {equity:.2f} gives too little to be "
    "traded.",
    "trend.stop": "Closes {amount} at the exchange itself when the price reaches {price}.",
    "trend.target": "Takes the profit of {amount} at {price}, {multiple:.2f} R from the entry.",
    "trend.break_even": "The price {price} is far enough: the stop moves to break-even at {stop}.",
    "trend.trailed": "After a close at {close} the stop follows to {stop}.",
    "trend.closed": "Trade {trade}, entered at {entry}, is closed with {profit:.4f} after fees.",
    "trend.paused_losses": "{losses} losses in a row: nothing is entered for {candles} candles.",
    "trend.paused_day": "The day has lost {lost:.2f}, the limit is {limit}: nothing is entered until the next day.",
    "dca.base": "Deal {deal} opens with a market order to {side} {amount}.",
    "dca.safety": "Safety order {number} waits at {price} for {amount}: {away:.2f} % from the base order at {base}.",
    "dca.take_profit": "Takes profit on {amount} at {price}, measured from an average price of {average:.8g} (step {step}).",
    "dca.stop": "Closes {amount} at the exchange itself when the price reaches {price}: the stop loss of the deal.",
    "dca.close": "Closes {amount} at market ({cause}).",
    "dca.started": "Deal {deal} starts at {price}; start conditions met: {conditions}.",
    "dca.met_rsi": "The RSI is {rsi:.1f}, {side} its limit {limit}.",
    "dca.met_ema_cross": "The fast average {fast:.8g} crossed the slow one, now {slow:.8g}.",
    "dca.met_bollinger": "The last candle closed outside the Bollinger bands, at {percent:.1f} % of the way from the lower to the "
    "upper one.",
    "dca.met_price": "The price is {price}, {side} the start price {limit} or at it.",
    "dca.met_signal": "A signal to go {direction} arrived.",
    "dca.waits_cool_down": "The next deal waits: {seconds} s of cool-down after the last one.",
    "dca.waits_daily_loss": "No deal starts before midnight UTC: {loss:.2f} lost today, the limit is {limit}.",
    "dca.waits_min_price": "No deal starts: the price {price} is below {limit}.",
    "dca.waits_max_price": "No deal starts: the price {price} is above {limit}.",
    "dca.waits_condition": "The next deal waits for its start conditions: {met} met, {needed} needed.",
    "dca.waits_size": "No deal starts: the base order would trade {amount} at this price, the minimum is {limit}.",
    "dca.opened": "Deal {deal} opened at {price}; {safety_orders} safety orders follow.",
    "dca.averaged": "Safety order {number} was filled: the average is now {average:.8g}, the take profit at {price}.",
    "dca.took_profit": "Take profit {step} of {steps} was filled at {price}; {held} are left.",
    "dca.trailing": "The price reached the take profit at {price} and is followed until it comes back by {back:.2f} %.",
    "dca.trailed": "The price came back to {price} from its best {best} (limit {limit}): the deal is closed.",
    "dca.stop_loss": "Stop loss: the price is {price}, the limit {limit}.",
    "dca.stop_loss_waits": "The price {price} is beyond the stop loss {limit}: the deal is closed if it stays there for "
    "{seconds} s.",
    "dca.stop_loss_recovered": "The price {price} is back on the good side of the stop loss {limit}.",
    "dca.deal_time": "The deal is {seconds} s old, the limit {limit}: it is closed.",
    "dca.too_little": "Deal {deal} holds {amount}, too little to be closed: it is left, and closed with the next deal.",
    "dca.left_over": "{amount} came in after the deal was over: closed at market.",
    "dca.over": "Deal {deal} is over ({cause}): {profit:.4f} before fees.",
    "dca.finished": "The bot stops after {deals} deals; {left} are left as dust.",
    "dca.finished_by_stop_loss": "The bot stops after the stop loss of deal {deals}; {left} are left as dust.",
    "hybrid.regime": "The market is a {regime} (ADX {adx:.1f}, ATR {atr:.2f} %, averages {fast:.8g} and {slow:.8g}, confidence {confidence:.0f} %): "
    "{family} is to run.",
    "hybrid.start": "Run {number} begins at {price}: {family} with {money}.",
    "hybrid.switch": "At {price} {before} gives way to {after}; what it holds, {held}, {handover}.",
    "hybrid.handed_over": "Run {number} ({family}) is over with {profit:.4f}; {left} are left of it.",
    "hybrid.family_stopped": "Run {number} ({family}) has stopped itself ({cause}): it is not started again before another "
    "family is chosen.",
    "hybrid.waits_cool_down": "The change to {family} waits: what runs has run for less than {minutes} minutes.",
    "hybrid.waits_switches": "The change to {family} waits for midnight UTC: {limit} changes a day are allowed.",
    "hybrid.waits_money": "{family} cannot start with {money}: {problem}",
    "hybrid.limited": "Buys worth {worth} are left out: the largest exposure leaves room for {room}.",
    "hybrid.run_off_stop": "The price is {price}: what {family} left to run off is closed (limit {limit}).",
    "hybrid.run_off_time": "What {family} left has not run off in {hours} hours: it is closed at {price}.",
    "hybrid.guard": "Closes {amount} of {family} at the exchange itself when the price reaches {price}.",
    "hybrid.close": "Closes the {amount} of {family} at market: it leaves.",
    "hybrid.tidy": "Trades {amount} at market that belong to no run: a fill came late, or rounding left them over.",
    "hybrid.daily_loss": "The day has lost {lost:.2f}, the limit is {limit}: everything is closed until midnight UTC.",
    "hybrid.stop_loss": "Stop loss: profit and loss has fallen by {value} from its best, the limit is {limit}.",
    "smc.entry": "Opens {amount} at market ({side}): {pattern} in a zone, confidence {confidence:.0f} %, stop {stop}, target {target}.",
    "smc.partial": "Closes the first part, {amount}, at {price}; the entry was {entry}.",
    "smc.target": "Closes {amount} at the target {price}; the entry was {entry}.",
    "smc.stop": "Closes {amount} at the exchange itself when the price reaches {price}; the entry was {entry}.",
    "smc.close": "Closes {amount} at market because the stop {price} was met.",
    "smc.tidy": "Trades {amount} at market that belongs to no position: rounding left it over, or a fill came late.",
    "smc.closed": "Trade {number}, opened at {entry}, is over with {profit:.4f} before fees.",
    "smc.trailed": "The stop of trade {number} follows to {stop}, behind the best price {best}.",
    "smc.withdrawn": "The entry of trade {number} ({pattern}) was not filled within a candle and is given up.",
    "smc.weak_zone": "No {side} entry on the {pattern} at {price}: its zones weigh {score:.1f}, below {limit}.",
    "smc.too_far": "No {side} entry on the {pattern}: the price {price} is {distance:.2f} % from the candle's close, above {limit} %.",
    "smc.thin_volume": "No {side} entry on the {pattern} at {price}: its volume is {ratio:.2f} times the mean, below {limit}.",
    "smc.stop_passed": "No {side} entry on the {pattern}: the price {price} is beyond the stop {stop} already.",
    "smc.small_reward": "No {side} entry on the {pattern} at {price}: no target pays {limit} times the risk to the stop {stop}.",
    "smc.unsure": "No {side} entry on the {pattern} at {price}: confidence {confidence:.0f} % is not above {limit} %.",
    "smc.other_side": "No entry on the {pattern} at {price}: a position of the other side is open.",
    "smc.no_slot": "No entry on the {pattern}: all {positions} positions are open.",
    "smc.no_size": "No entry on the {pattern} at {price} with the stop {stop}: the size is below what the market takes.",
}


# By the primary tag of RFC 5646: "de" serves "de-AT" too.
LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH}


def explain(reason: Reason, language: str = "en") -> str:
    """The sentence for a reason. A code without a template is shown with its numbers as they are."""
    templates = LANGUAGES.get(language.lower().partition("-")[0], ENGLISH)
    template = templates.get(reason.code) or ENGLISH.get(reason.code)
    numbers = {name: _Shown(value) for name, value in reason.numbers.items()}
    if template is None:
        return f"{reason.code}: " + ", ".join(f"{name} {value}" for name, value in numbers.items())
    return template.format_map(numbers)


class _Shown:
    """A number in a sentence: ten significant digits, or as few as the template asks for, and never an exponent."""

    def __init__(self, value: float | int | str) -> None:
        self.value = value

    def __str__(self) -> str:
        return format(self)

    def __format__(self, digits: str) -> str:
        if not isinstance(self.value, float):
            return str(self.value)
        if digits.endswith("g") or not digits:
            places = int(digits[1:-1]) if digits else 10
            text = f"{self.value:.{places}f}" if abs(self.value) < 1 else f"{self.value:.{places}g}"
        else:
            text = format(self.value, digits)
        return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
