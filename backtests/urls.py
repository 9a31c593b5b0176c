"""The pages' addresses."""

from django.urls import path

from backtests import views

urlpatterns = [
    path("back-tests/", views.jobs, name="back-tests"),
    path("back-tests/new/", views.back_test_create, name="back-test-create"),
    path("back-tests/<int:key>/", views.back_test_detail, name="back-test-detail"),
    path("back-tests/<int:key>/cancel/", views.back_test_cancel, name="back-test-cancel"),
    path("back-tests/<int:key>/report/", views.back_test_report, name="back-test-report"),
    path("back-tests/<int:key>/bot.yaml", views.back_test_bot, name="back-test-bot"),
    path("studies/<int:key>/", views.study_detail, name="study-detail"),
    path("studies/<int:key>/best/", views.study_best, name="study-best"),
    path("studies/<int:key>/cancel/", views.study_cancel, name="study-cancel"),
]
