from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Concat, Replace


def rename(apps, editor):
    """A grid's round trips are a group since strategies/round_trips.py; ``manage.py rebuild_ledger`` pairs old fills anew."""
    for model, field in (("Order", "trade_key"), ("Trade", "key")):
        rows = apps.get_model("bots", model).objects
        grids = rows.filter(bot__strategy="grid")
        grids.filter(**{f"{field}__startswith": "grid:"}).update(
            **{field: Replace(F(field), Value("grid:"), Value("grid/"))}
        )
        grids.filter(**{f"{field}__in": ["entry", "close"]}).update(**{field: Concat(Value("grid/"), F(field))})
        rows.filter(bot__strategy="hybrid", **{f"{field}__contains": "/grid:"}).update(
            **{field: Replace(F(field), Value("/grid:"), Value("/"))}
        )


class Migration(migrations.Migration):
    dependencies = [("bots", "0006_fee_rates")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
