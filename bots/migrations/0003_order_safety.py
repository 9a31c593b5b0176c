"""Amending in place, look-ups that prove something, protective stops, and rests too small to trade."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bots", "0002_modes"),
        ("exchange", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="bot",
            name="watchdog",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="order",
            name="amend_amount",
            field=models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="amend_price",
            field=models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="amend_refused",
            field=models.BooleanField(default=False, help_text="Changes take a cancel and a new order from here on."),
        ),
        migrations.AddField(
            model_name="order",
            name="amend_requested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="amend_sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="amend_trigger_price",
            field=models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="called_duplicate",
            field=models.BooleanField(default=False, help_text="The exchange refused its id as used before."),
        ),
        migrations.AddField(
            model_name="order",
            name="lost_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="missing_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="protective",
            field=models.BooleanField(default=False, help_text="The watchdog proves at every tick that it stands."),
        ),
        migrations.AddField(
            model_name="order",
            name="rest_dropped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="rest_seen",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="order",
            name="triggered_at",
            field=models.DateTimeField(blank=True, help_text="When a stop was first seen triggered.", null=True),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("bot_created", "Bot created"),
                    ("bot_changed", "Bot changed"),
                    ("bot_started", "Bot started"),
                    ("bot_stopped", "Bot stopped"),
                    ("bot_paused", "Bot paused"),
                    ("bot_resumed", "Bot resumed"),
                    ("bot_emergency", "Emergency"),
                    ("order_placed", "Order placed"),
                    ("order_filled", "Order filled"),
                    ("order_partially_filled", "Order partially filled"),
                    ("order_canceled", "Order canceled"),
                    ("order_amended", "Order amended"),
                    ("order_failed", "Order failed"),
                    ("take_profit_hit", "Take profit"),
                    ("stop_loss_hit", "Stop loss"),
                    ("price_updated", "Price updated"),
                    ("balance_updated", "Balance updated"),
                    ("health_critical", "Health critical"),
                    ("strategy_error", "Strategy error"),
                    ("regime_changed", "Regime changed"),
                    ("signal_generated", "Signal"),
                    ("risk_halted", "Risk halt"),
                    ("position_unprotected", "Position without a stop"),
                    ("position_protected", "Stop stands again"),
                    ("books_differ", "Books differ from the exchange"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="journalentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("place", "Place"),
                    ("amend", "Amend"),
                    ("cancel", "Cancel"),
                    ("refuse", "Refuse"),
                    ("note", "Note"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["bot", "created_at"], name="order_rate"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("reported_filled__gt", models.F("filled"))),
                fields=["account"],
                name="order_unsettled",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("rest_dropped_at__isnull", False), ("rest_seen", False)),
                fields=["bot"],
                name="order_rest_unseen",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["intent", "open", "partially_filled", "sent", "unknown"])),
                fields=("bot", "run", "slot", "sequence"),
                name="order_one_live_per_wish",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("amend_requested_at__isnull", True), ("amend_amount__gt", 0), _connector="OR"),
                name="order_amend_has_amount",
            ),
        ),
    ]
