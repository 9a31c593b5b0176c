from tests.backtests.search.hill_market import folder, preset, rising

__all__ = ["folder", "preset", "rising"]
