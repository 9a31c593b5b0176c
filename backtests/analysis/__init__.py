"""Is a result to be believed? Runs again on other data, with other parameters, over other coins (docs/backtesting/analysis.md).

Each module makes its runs through ``backtests.search.workers`` and judges them by ``backtests.statistics``. Every
``to_json`` is plain JSON; a number that is not defined is null.
"""
