"""Exchange accounts and their encrypted keys."""

from __future__ import annotations

import json
from decimal import Decimal

from django.conf import settings
from django.db import models
from encrypted_model_fields.fields import EncryptedCharField

from exchange.errors import NeedsOperator
from exchange.gateway_config import GatewayConfig, PaperTerms
from exchange.paper.models import PaperBalance, PaperBook, PaperExecution, PaperMarket, PaperOrder

__all__ = [
    "EncryptionCanary",
    "Environment",
    "ExchangeAccount",
    "PaperBalance",
    "PaperBook",
    "PaperExecution",
    "PaperMarket",
    "PaperOrder",
]

# Every Fernet token starts with the version byte 0x80, which is "gAAAA" in URL-safe base 64.
_FERNET_PREFIX = "gAAAA"


class Environment(models.TextChoices):
    PAPER = "paper", "Paper"
    SIMULATOR = "simulator", "Simulator"
    DEMO = "demo", "Demo trading"
    TESTNET = "testnet", "Test net"
    LIVE = "live", "Live"


class ExchangeAccount(models.Model):
    """One set of keys at one exchange. The keys are encrypted at rest and are never rendered again."""

    name = models.SlugField(max_length=64, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exchange_accounts")
    exchange_id = models.CharField(max_length=32, default="bybit", help_text="The exchange's id in ccxt.")
    environment = models.CharField(max_length=16, choices=Environment)
    base_url = models.URLField(
        blank=True, help_text="Where the simulator listens; for a paper account only if its prices come from there."
    )
    paper_balances = models.JSONField(
        default=dict,
        blank=True,
        help_text="Only for paper accounts: what they begin with, by coin. Decimals are written as text.",
    )
    paper_slippage = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        default=Decimal(0),
        help_text="Only for paper accounts: how much worse than the last price an order trades that does not rest, as a "
        "fraction (0.0005 is 0.05 %).",
    )
    api_key = EncryptedCharField(max_length=256, blank=True)
    api_secret = EncryptedCharField(max_length=512, blank=True)
    api_password = EncryptedCharField(max_length=256, blank=True)
    options = models.JSONField(
        default=dict, blank=True, help_text="Passed to ccxt, e.g. {&quot;enableRateLimit&quot;: false}."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # When the account's orders and fills were last read, and how far. Guarded by this row's lock: one reader at a
    # time for all bots of the account.
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    audited_at = models.DateTimeField(null=True, blank=True, editable=False)
    fills_cursor = models.JSONField(default=dict, blank=True, editable=False)
    # The balances before the first bot traded, by coin: what the ledgers' cash flows are added to in a reconciliation.
    baseline = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="simulator_accounts_have_a_base_url",
                condition=~models.Q(environment=Environment.SIMULATOR) | ~models.Q(base_url=""),
            ),
            models.CheckConstraint(
                name="paper_slippage_is_a_fraction",
                condition=models.Q(paper_slippage__gte=0, paper_slippage__lt=1),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def venue(self) -> str:
        """Accounts of one venue see the same prices. Fit for a Redis key."""
        place = self.base_url.split("://")[-1].rstrip("/").replace(":", "-") if self.base_url else ""
        return "-".join(part for part in (self.exchange_id, self.price_environment, place) if part)

    @property
    def price_environment(self) -> str:
        """Paper is traded on the prices of the real market, or on a simulator's."""
        if self.environment != Environment.PAPER:
            return self.environment
        return Environment.SIMULATOR if self.base_url else Environment.LIVE

    @property
    def plays_with_real_money(self) -> bool:
        return self.environment == Environment.LIVE

    def gateway_config(self) -> GatewayConfig:
        """Raises ``NeedsOperator`` when the keys cannot be decrypted.

        The field library answers a wrong encryption key with the ciphertext itself, which would then be sent to the
        exchange as if it were the key.
        """
        for name in ("api_key", "api_secret", "api_password"):
            if getattr(self, name).startswith(_FERNET_PREFIX):
                raise NeedsOperator(
                    f"The {name} of exchange account {self.name} cannot be decrypted: FIELD_ENCRYPTION_KEY is not the "
                    "key that it was saved with. Put the old key back (several keys may stand in the list, separated "
                    "by commas; the first one encrypts), or enter the account's keys again."
                )
        is_paper = self.environment == Environment.PAPER
        return GatewayConfig(
            exchange_id=self.exchange_id,
            environment=self.price_environment,
            venue=self.venue,
            base_url=self.base_url,
            api_key=self.api_key,
            api_secret=self.api_secret,
            api_password=self.api_password,
            options=json.dumps(self.options, sort_keys=True),
            paper=PaperTerms(self.pk, self.paper_slippage) if is_paper else None,
        )


class EncryptionCanary(models.Model):
    """A known text under the encryption key: a process that holds another key finds out before it does anything."""

    PLAIN = "traderagent"

    text = EncryptedCharField(max_length=32)

    class Meta:
        verbose_name_plural = "encryption canaries"

    def __str__(self) -> str:
        return "encryption canary"
