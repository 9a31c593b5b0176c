"""What kind of market it is, from closed candles: range, transition or trend.

``config`` has what can be set, ``regime`` the six regimes and what they recommend, ``classification`` one candle at a
time, ``series`` a whole history at once, ``rules`` what both compute with.
"""
