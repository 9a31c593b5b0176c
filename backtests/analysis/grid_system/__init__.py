"""From a coin's candles to a grid for it: its class, a coarse and a fine search, a test on its worst weeks, a preset."""
