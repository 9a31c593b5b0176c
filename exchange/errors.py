"""Errors named by the reaction they ask for. Every exchange library's errors are translated into these once."""

from __future__ import annotations


class ExchangeError(Exception):
    """Base of everything an exchange can answer with. ``detail`` is fit to be shown to the operator."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TemporaryError(ExchangeError):
    """Nothing happened; the same call may be made again later."""


class RateLimited(TemporaryError):
    """Too many calls. ``retry_after`` seconds is what the exchange asked for, or ``None``."""

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class NothingSent(TemporaryError):
    """Not one byte arrived: the platform itself held the call back (no budget, a ban, an open breaker), or there was no
    connection.

    ``retry_after`` seconds is when it is worth another try, or ``None`` when nobody can say.
    """

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StalePrice(TemporaryError):
    """There is no price new enough to decide on. ``age_ms`` is the newest one's age, or ``None`` when there is none."""

    def __init__(self, detail: str, age_ms: int | None = None) -> None:
        super().__init__(detail)
        self.age_ms = age_ms


class OrderRejected(ExchangeError):
    """The exchange refused this order for what it is. Tell; do not send it again unchanged."""


class InsufficientFunds(OrderRejected):
    """The balance does not cover the order."""


class DuplicateClientOrderId(OrderRejected):
    """An order with this client order id already exists: the earlier sending was accepted."""


class OrderNotFound(ExchangeError):
    """The exchange does not know the order (any more, or yet)."""


class OutcomeUnknown(ExchangeError):
    """A writing call was sent and no trustworthy answer came. Ask before doing anything else."""


class AuthenticationFailed(ExchangeError):
    """The key, the secret, its permissions or the clock are wrong. An operator has to act."""


class NeedsOperator(ExchangeError):
    """The platform cannot decide this safely by itself."""
