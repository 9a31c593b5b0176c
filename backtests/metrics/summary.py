"""All figures of a run at once, as a report and the JSON of a result carry them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from backtests.metrics import activity, drawdowns, returns, trading
from backtests.metrics.inputs import EquityCurve, Fills, Floats, Trades, no_fills, no_trades
from backtests.metrics.returns import NAN, MonthlyReturn
from backtests.metrics.sampling import DAY_MS, Sampled, sample

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Summary:
    """Ratios are fractions (0.1 is 10 %), money is in quote, durations are milliseconds, times are ms UTC.

    Definitions: docs/backtesting/metrics.md. NaN (in JSON null) where a figure is not defined.
    """

    started_at: int
    ended_at: int
    initial_equity: float
    final_equity: float
    ruined_at: int | None

    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float

    max_drawdown: float
    max_drawdown_peak_at: int | None
    max_drawdown_trough_at: int | None
    max_drawdown_recovered_at: int | None
    max_drawdown_length: int
    max_drawdown_recovery: int | None
    longest_drawdown: int
    average_drawdown: float
    ulcer_index: float

    trades: int
    win_rate: float
    profit_factor: float
    expectancy: float
    average_win: float
    average_loss: float
    payoff: float
    sqn: float
    best_trade: float
    worst_trade: float
    average_trade_duration: float
    longest_winning_streak: int
    longest_losing_streak: int
    average_mae: float
    worst_mae: float
    average_mfe: float
    best_mfe: float

    fills: int
    maker_share: float
    fees: float
    traded_value: float
    turnover: float
    average_exposure: float
    highest_exposure: float
    time_in_market: float

    buy_and_hold_return: float
    excess_return: float
    alpha: float
    beta: float

    sampling: int
    returns: tuple[float, ...]
    monthly_returns: tuple[MonthlyReturn, ...]

    def to_json(self) -> Json:
        """Plain JSON: what is not defined is null, months are ``{"year", "month", "return"}``."""
        found: Json = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        found["monthly_returns"] = [
            {"year": month.year, "month": month.month, "return": month.value} for month in self.monthly_returns
        ]
        return found


def summarise(
    curve: EquityCurve,
    *,
    trades: Trades | None = None,
    fills: Fills | None = None,
    price: Floats | None = None,
    first_price: float | None = None,
    hold_fee: float = 0.0,
    sampling: int = DAY_MS,
    risk_free: float = 0.0,
) -> Summary:
    """Every figure of a run.

    ``price`` are the closes at the curve's rows and ``first_price`` is the first candle's open, for holding, bought for a
    fee of ``hold_fee`` (a fraction); ``sampling`` (ms) is the period of the returns that ratios are made of, and
    ``risk_free`` a rate a year. Raises ``ValueError`` when prices and rows differ in number.
    """
    if price is not None and len(price) != len(curve):
        raise ValueError(f"{len(price)} prices for {len(curve)} rows of equity")
    trades = no_trades() if trades is None else trades
    fills = no_fills() if fills is None else fills
    sampled = sample(curve, sampling)
    below = drawdowns.depths(curve.equity, curve.initial)
    deepest = drawdowns.deepest(curve, below)
    max_drawdown = 0.0 if deepest is None else deepest.depth
    total, growth = returns.total_return(curve), returns.cagr(curve)
    held, market = _against_holding(sampled, price, first_price, hold_fee)
    streaks, excursions, exposure = trading.streaks(trades), trading.excursions(trades), activity.exposure(curve)
    return Summary(
        started_at=curve.started_at,
        ended_at=int(curve.timestamp[-1]),
        initial_equity=curve.initial,
        final_equity=curve.final,
        ruined_at=curve.ruined_at,
        total_return=total,
        cagr=growth,
        volatility=returns.volatility(sampled),
        sharpe=returns.sharpe(sampled, risk_free),
        sortino=returns.sortino(sampled, risk_free),
        calmar=growth / max_drawdown if max_drawdown > 0.0 else NAN,
        max_drawdown=max_drawdown,
        max_drawdown_peak_at=None if deepest is None else deepest.peak_at,
        max_drawdown_trough_at=None if deepest is None else deepest.trough_at,
        max_drawdown_recovered_at=None if deepest is None else deepest.recovered_at,
        max_drawdown_length=0 if deepest is None else deepest.length,
        max_drawdown_recovery=None if deepest is None else deepest.recovery,
        longest_drawdown=drawdowns.longest(curve, below),
        average_drawdown=drawdowns.average(sampled, curve.initial),
        ulcer_index=drawdowns.ulcer_index(sampled, curve.initial),
        trades=len(trades),
        win_rate=trading.win_rate(trades),
        profit_factor=trading.profit_factor(trades),
        expectancy=trading.expectancy(trades),
        average_win=trading.average_win(trades),
        average_loss=trading.average_loss(trades),
        payoff=trading.payoff(trades),
        sqn=trading.system_quality_number(trades),
        best_trade=trading.best_trade(trades),
        worst_trade=trading.worst_trade(trades),
        average_trade_duration=trading.average_duration(trades),
        longest_winning_streak=streaks.winning,
        longest_losing_streak=streaks.losing,
        average_mae=excursions.average_mae,
        worst_mae=excursions.worst_mae,
        average_mfe=excursions.average_mfe,
        best_mfe=excursions.best_mfe,
        fills=len(fills),
        maker_share=activity.maker_share(fills),
        fees=activity.fees(fills),
        traded_value=activity.traded_value(fills),
        turnover=activity.turnover(curve, fills),
        average_exposure=exposure.average,
        highest_exposure=exposure.highest,
        time_in_market=exposure.time_in_market,
        buy_and_hold_return=held,
        excess_return=total - held,
        alpha=market.alpha,
        beta=market.beta,
        sampling=sampling,
        returns=tuple(sampled.returns.tolist()),
        monthly_returns=returns.monthly_returns(curve),
    )


def _against_holding(
    sampled: Sampled, price: Floats | None, first_price: float | None, fee: float
) -> tuple[float, returns.AgainstMarket]:
    if price is None:
        return NAN, returns.AgainstMarket(NAN, NAN)
    if not (np.isfinite(price).all() and price.min() > 0.0):
        raise ValueError("prices to hold against must be above 0")
    return returns.hold_return(price, first_price, fee), returns.against_market(sampled, price, first_price)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
