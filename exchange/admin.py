"""Exchange accounts in the back office. Keys are typed in and never shown again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin

from exchange.accounts import KEYS, AccountInUse, AccountRefused, check_account, check_change
from exchange.back_office import Fact
from exchange.errors import NeedsOperator
from exchange.models import EncryptionCanary, Environment, ExchangeAccount
from exchange.paper import admin as paper_admin  # noqa: F401 - its registrations
from exchange.paper.terms import usual_paper_balances


class _KeyField(forms.CharField):
    """Not bound to the model's field, so that no stored key ever reaches the form."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            strip=True,
            max_length=256,
            widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
            help_text="Leave empty to keep what is stored.",
        )


class ExchangeAccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    base_url = forms.URLField(
        label="Base URL",
        required=False,
        assume_scheme="http",
        help_text="Where the simulator listens; for a paper account only if its prices come from there.",
    )
    paper_slippage = forms.DecimalField(
        required=False, initial=0, help_text=ExchangeAccount._meta.get_field("paper_slippage").help_text
    )
    new_api_key = _KeyField("API key")
    new_api_secret = _KeyField("API secret")
    new_api_password = _KeyField("API password")

    class Meta:
        model = ExchangeAccount
        fields = (
            "name", "owner", "exchange_id", "environment", "base_url", "options", "paper_balances", "paper_slippage",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("environment") == Environment.PAPER and not cleaned.get("paper_balances"):
            cleaned["paper_balances"] = usual_paper_balances()
        cleaned["paper_slippage"] = cleaned.get("paper_slippage") or Decimal(0)
        before = ExchangeAccount.objects.filter(pk=self.instance.pk).first()
        try:
            if before is not None:
                before.gateway_config()
                check_change(before, cleaned)
        except (AccountInUse, NeedsOperator) as error:
            raise forms.ValidationError(error.detail) from error
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # fills the instance from the cleaned fields
        for key in KEYS:
            if given := self.cleaned_data.get(f"new_{key}"):
                setattr(self.instance, key, given)
        for problem in AccountRefused(check_account(self.instance)).problems:
            if not self.has_error(problem.field):
                self.add_error(problem.field, problem.message)


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ExchangeAccountForm
    list_display = ("name", "exchange_id", "environment", "owner", "has_keys", "synced_at", "created_at")
    list_filter = ("environment", "exchange_id")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    readonly_fields = ("has_keys", "created_at", "synced_at", "audited_at")
    fieldsets = (
        (None, {"fields": ("name", "owner", "exchange_id", "environment", "base_url", "options")}),
        (
            "Paper",
            {
                "description": "Only for the environment Paper, which needs no keys.",
                "fields": ("paper_balances", "paper_slippage"),
            },
        ),
        ("Keys", {"fields": ("has_keys", "new_api_key", "new_api_secret", "new_api_password")}),
        ("History", {"fields": ("created_at", "synced_at", "audited_at")}),
    )

    @admin.display(boolean=True, description="Keys stored")
    def has_keys(self, account: ExchangeAccount) -> bool:
        return bool(account.api_key and account.api_secret)


@admin.register(EncryptionCanary)
class EncryptionCanaryAdmin(Fact):
    """There to be seen: that it exists means that the encryption key was proved at a start."""

    exclude = ("text",)
