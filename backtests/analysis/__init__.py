"""Is a result to be believed? Runs again on other data, with other parameters, over other coins (docs/backtesting/analysis.md).

Each module asks a ``Runs`` for what it needs (``runs``), whoever makes them, and judges it by ``backtests.statistics``.
``examinations`` are these modules as commands and studies ask for them, ``kinds`` the table of all. Every ``to_json`` is
plain JSON; a number that is not defined is null.
"""
