from django.apps import AppConfig


class ParityConfig(AppConfig):
    name = "traderagent.parity"
    label = "parity"
