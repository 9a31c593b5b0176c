"""Each order keeps the mode that it was decided in."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill_modes(apps, schema_editor):
    bots = apps.get_model("bots", "Bot").objects.filter(pk=OuterRef("bot_id"))
    apps.get_model("bots", "Order").objects.update(mode=Subquery(bots.values("mode")))


class Migration(migrations.Migration):
    dependencies = [("bots", "0003_order_safety")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="mode",
            field=models.CharField(
                choices=[("signals", "Signals only"), ("paper", "Paper"), ("demo", "Demo"), ("live", "Live")],
                default="demo",
                help_text="The bot's at that time.",
                max_length=8,
            ),
        ),
        migrations.RunPython(fill_modes, migrations.RunPython.noop),
    ]
