"""What the services answer when they refuse. Each interface renders these; none is raised for anything unexpected."""

from __future__ import annotations

from collections.abc import Sequence

from strategies.contract import Problem


class BotError(Exception):
    """Base. ``detail`` is a sentence fit for the person who asked."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConfigInvalid(BotError):
    """The configuration cannot work. ``problems`` name field, value, limit and mend; ``field`` is dotted from the bot
    (``symbol``, ``config.lower``)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problem.message for problem in problems))


class NotEditable(BotError):
    """The bot has to be stopped first."""


class ModeRefused(BotError):
    """This mode is not allowed on this account, or not in this installation."""


class SignalRefused(BotError):
    """The bot cannot act on a signal from outside: it is not running, or its configuration does not listen to any."""


class ExchangeUnavailable(BotError):
    """The exchange had to be asked and did not answer."""
