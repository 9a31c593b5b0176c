"""The crash matrix: one bot's life, interrupted at every stage of every kind of order, by everything that can die.

``python -m tests.reliability.crash`` runs it for real: PostgreSQL, Redis, the simulator and a Celery worker are
processes of their own, and what is said to be killed is killed.
"""
