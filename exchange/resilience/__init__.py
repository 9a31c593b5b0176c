"""What keeps all workers together within an exchange's limits, and off an exchange that is down.

Budgets, bans and circuit breakers live in Redis, so that they hold for every process; see :mod:`.guard` for the order
in which they are asked.
"""
