"""Addresses under ``/api/v1/``."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from backtests.api import BackTestViewSet, StudyViewSet

router = SimpleRouter()
router.register("back-tests", BackTestViewSet, basename="back-test")
router.register("studies", StudyViewSet, basename="study")
urlpatterns = router.urls
