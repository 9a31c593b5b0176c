"""What kind of market it is, from closed candles."""
