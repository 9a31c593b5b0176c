"""What the simulated exchange refuses with: Bybit's return code and message."""

from __future__ import annotations


class Refusal(Exception):
    """A request is answered with ``code`` and ``message`` instead of a result. Nothing has changed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


PARAMETERS = 10001
TIMESTAMP = 10002
API_KEY = 10003
SIGNATURE = 10004
TOO_MANY_VISITS = 10006
MAINTENANCE = 10016
NOT_FOUND_PATH = 10017


def bad_parameter(message: str) -> Refusal:
    return Refusal(PARAMETERS, f"params error: {message}")
