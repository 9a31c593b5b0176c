"""Paper and signals-only bots; a ledger for each account that a bot trades on."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery

_LEDGER = ("Position", "Trade", "EquityPoint")
_MODES = [("signals", "Signals only"), ("paper", "Paper"), ("demo", "Demo"), ("live", "Live")]
_STATUSES = [
    ("withheld", "Not sent (signals only)"),
    ("intent", "Intent"),
    ("sent", "Sent"),
    ("unknown", "Outcome unknown"),
    ("open", "Open"),
    ("partially_filled", "Partially filled"),
    ("filled", "Filled"),
    ("canceled", "Canceled"),
    ("rejected", "Rejected"),
    ("expired", "Expired"),
]
_NAMES = {"Position": "positions", "Trade": "trades", "EquityPoint": "equity_points"}


def _account(model: str, *, null: bool) -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        related_name=_NAMES[model],
        to="exchange.exchangeaccount",
        null=null,
    )


def fill_accounts(apps, schema_editor):
    """Until now a bot's whole ledger was of the account that it is on."""
    bots = apps.get_model("bots", "Bot").objects.filter(pk=OuterRef("bot_id"))
    for name in _LEDGER:
        apps.get_model("bots", name).objects.update(account_id=Subquery(bots.values("account_id")))
    # Or the columns could not be altered in this transaction.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("bots", "0001_initial"),
        ("exchange", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bot", name="mode", field=models.CharField(choices=_MODES, default="demo", max_length=8)
        ),
        migrations.AlterField(
            model_name="order",
            name="status",
            field=models.CharField(choices=_STATUSES, default="intent", max_length=16),
        ),
        migrations.RemoveConstraint(model_name="order", name="order_status_known"),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=Q(status__in=[value for value, _ in _STATUSES]), name="order_status_known"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["bot"], name="order_withheld", condition=Q(status="withheld")),
        ),
        *(
            migrations.AddField(model_name=name.lower(), name="account", field=_account(name, null=True))
            for name in _LEDGER
        ),
        migrations.RunPython(fill_accounts, migrations.RunPython.noop),
        *(
            migrations.AlterField(model_name=name.lower(), name="account", field=_account(name, null=False))
            for name in _LEDGER
        ),
        migrations.RemoveConstraint(model_name="position", name="position_one_per_bot_and_symbol"),
        migrations.AddConstraint(
            model_name="position",
            constraint=models.UniqueConstraint(fields=("bot", "account", "symbol"), name="position_one_per_ledger"),
        ),
        migrations.RemoveIndex(model_name="equitypoint", name="bots_equity_bot_id_a925d7_idx"),
        migrations.AddIndex(
            model_name="equitypoint",
            index=models.Index(fields=["bot", "account", "-at"], name="equity_of_ledger"),
        ),
    ]
