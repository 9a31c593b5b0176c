"""Client order ids where an exchange wants them in another form, and those of orders whose executions lack them."""

from __future__ import annotations

import re
import string

from exchange.gateway_config import GatewayConfig

# "ta", a bot's mark of six, and 24 hexadecimal digits: see ``bots.models.order``.
_OURS = re.compile(r"ta([a-z0-9]{6})([0-9a-f]{24})\Z")
_HEX_32 = re.compile(r"[0-9a-f]{32}\Z")
_DIGEST_BITS = 96
_BASE_36 = string.digits + string.ascii_lowercase
# Orders of an account whose client order ids this process knows; forgotten all at once when there are too many.
_KEPT = 20_000
_known: dict[tuple[GatewayConfig, str], str] = {}


def to_uuid(client_order_id: str) -> str:
    """Our id as 32 hexadecimal digits, a UUID without dashes: the mark in 32 bits, the digest in 96.

    Nothing is lost, so that :func:`from_uuid` gives it back. Raises ``ValueError`` for an id that is not ours.
    """
    found = _OURS.match(client_order_id)
    if found is None:
        raise ValueError(f"{client_order_id!r} is no client order id of this platform")
    mark, digest = found.groups()
    return f"{(int(mark, 36) << _DIGEST_BITS) | int(digest, 16):032x}"


def from_uuid(exchange_client_id: str) -> str:
    """What :func:`to_uuid` was given. What cannot have come from it (an order placed by hand) is returned as it is."""
    digits = exchange_client_id.replace("-", "").lower()
    if not _HEX_32.match(digits):
        return exchange_client_id
    number = int(digits, 16)
    mark, digest = number >> _DIGEST_BITS, number & ((1 << _DIGEST_BITS) - 1)
    if mark >= 36**6:
        return exchange_client_id
    letters = ""
    for _ in range(6):
        mark, digit = divmod(mark, 36)
        letters = _BASE_36[digit] + letters
    return f"ta{letters}{digest:024x}"


def known(config: GatewayConfig, exchange_order_id: str) -> str | None:
    """Our id of an order of the account, empty if it is somebody else's; ``None`` when nobody has asked yet."""
    return _known.get((config, exchange_order_id))


def remember(config: GatewayConfig, exchange_order_id: str, client_order_id: str) -> None:
    if len(_known) >= _KEPT:
        _known.clear()
    _known[(config, exchange_order_id)] = client_order_id
