"""The dashboard's addresses."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from bots import views
from bots.views.commands import COMMANDS

urlpatterns = [
    path("", views.overview, name="overview"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("market-clock/", views.market_clock, name="market-clock"),
    # Not under bots/: a bot may be called "new".
    path("new/", views.bot_create, name="bot-create"),
    path("new/preview/", views.bot_preview, name="bot-preview"),
    path("new/symbols/", views.account_symbols, name="account-symbols"),
    path("new/candles.json", views.market_candles, name="market-candles"),
    path("bots/<slug:name>/", views.bot_detail, name="bot-detail"),
    path("bots/<slug:name>/edit/", views.bot_edit, name="bot-edit"),
    path("bots/<slug:name>/back-test/", views.bot_back_test, name="bot-back-test"),
    path("bots/<slug:name>/chart.json", views.bot_chart, name="bot-chart"),
    *(
        path(f"bots/<slug:name>/{command}/", views.bot_command, {"command": command}, name=f"bot-{command}")
        for command in COMMANDS
    ),
    path("exchanges/", views.exchanges, name="exchanges"),
    path("exchanges/close-breaker/", views.breaker_close, name="breaker-close"),
    path("exchanges/accounts/<slug:name>/check/", views.account_check, name="account-check"),
    path("orders/<int:order_id>/", views.order_detail, name="order-detail"),
]
