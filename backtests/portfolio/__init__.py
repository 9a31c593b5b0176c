"""Many bots on one balance: a back-test of a whole account (docs/backtesting/portfolio.md).

``preset`` says what is run, ``account`` what the bots have in common, ``simulation`` steps them in one order of time,
``outcome`` and what is beside it tell what came of it.
"""
