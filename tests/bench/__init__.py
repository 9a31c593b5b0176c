"""Benchmarks: each is a module with ``run(arguments) -> list of lines``; ``make bench`` runs all of them."""
