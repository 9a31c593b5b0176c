"""How much of a result was luck: resampling, deflated ratios, over-fitting, walk-forward windows, and a verdict on all.

Pure functions on numpy arrays (docs/backtesting/statistics.md). Chance comes in as a seeded ``numpy.random.Generator``.
"""
