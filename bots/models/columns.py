"""Column types shared by the bots' tables."""

from __future__ import annotations

from typing import Any

from django.db import models


def quantity(**options: Any) -> models.DecimalField[Any, Any]:
    """A price, amount or sum of money: 20 digits before and 18 after the point.

    Wide enough for a SHIB price (0.00000823) times its tick, for 1e-18 steps, and for any sum in any quote coin.
    """
    return models.DecimalField(max_digits=38, decimal_places=18, **options)
