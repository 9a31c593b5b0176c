from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings

from strategies import registry


class BotsConfig(AppConfig):
    name = "bots"

    def ready(self) -> None:
        registry.use_folder(settings.STRATEGIES_DIR)
