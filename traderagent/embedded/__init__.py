"""A whole stack from one command: PostgreSQL and Redis out of wheels, and a supervisor over every process.

Uses the standard library, psutil and the two wheels only, so that it starts at once and can start everything else.
"""
