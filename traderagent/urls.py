"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from traderagent.health import health, live
from traderagent.metrics import metrics
from traderagent.problems import unknown_address

urlpatterns = [
    path("health", health, name="health"),
    path("health/live", live, name="health-live"),
    path("metrics", metrics, name="metrics"),
    path("api/", include("bots.api.urls")),
    path("api/v1/", include(("backtests.api_urls", "research"))),
    path("api/<path:rest>", unknown_address),
    path("admin/", admin.site.urls),
    path("", include("backtests.urls")),
    path("", include("bots.urls")),
]

handler400 = "traderagent.problems.bad_request"
handler500 = "traderagent.problems.server_error"
