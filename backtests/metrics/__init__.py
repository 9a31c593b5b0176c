"""What a run was worth: figures from its equity, trades and fills, each with its definition (docs/backtesting/metrics.md).

numpy only. ``summary.summarise`` gives all of them at once. A figure that is not defined (a Sharpe ratio without
volatility) is NaN, never infinite and never 0; in JSON it is null.
"""
