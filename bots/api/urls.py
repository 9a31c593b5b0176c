"""Every address under ``/api/``."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from bots.api.accounts import AccountViewSet
from bots.api.bots import BotViewSet
from bots.api.exchanges import CloseBreakerView, ExchangesView
from bots.api.overview import DashboardView, StrategiesView
from bots.api.records import (
    BotEventViewSet,
    BotFillViewSet,
    BotJournalViewSet,
    BotOrderViewSet,
    BotTradeViewSet,
    EventViewSet,
    OrderViewSet,
)

_BOT = r"bots/(?P<name>[-a-zA-Z0-9_]+)"

router = SimpleRouter()
router.register("bots", BotViewSet, basename="bot")
router.register(rf"{_BOT}/orders", BotOrderViewSet, basename="bot-orders")
router.register(rf"{_BOT}/fills", BotFillViewSet, basename="bot-fills")
router.register(rf"{_BOT}/trades", BotTradeViewSet, basename="bot-trades")
router.register(rf"{_BOT}/events", BotEventViewSet, basename="bot-events")
router.register(rf"{_BOT}/journal", BotJournalViewSet, basename="bot-journal")
router.register("orders", OrderViewSet, basename="order")
router.register("events", EventViewSet, basename="event")
router.register("accounts", AccountViewSet, basename="account")

v1 = [
    path("auth/token/", TokenObtainPairView.as_view(), name="token"),
    path("auth/token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("dashboard/", DashboardView.as_view(), name="dashboard"),
    path("strategies/", StrategiesView.as_view(), name="strategies"),
    path("exchanges/", ExchangesView.as_view(), name="exchanges"),
    path("exchanges/close-breaker/", CloseBreakerView.as_view(), name="close-breaker"),
    *router.urls,
]
urlpatterns = [
    path("v1/", include((v1, "api"))),
    # Both tell how to log in, so neither asks for it.
    path("schema/", SpectacularAPIView.as_view(permission_classes=[AllowAny]), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(permission_classes=[AllowAny], url_name="schema"), name="docs"),
]
