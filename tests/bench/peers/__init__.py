"""Other back-testers on the same candles as ours, each in an environment of its own: ``make bench-peers``."""
