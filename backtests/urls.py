"""The pages' addresses."""

from django.urls import path

from backtests.views import asking, back_tests, new_back_test, portfolios, studies

urlpatterns = [
    path("back-tests/", asking.jobs, name="back-tests"),
    path("back-tests/new/", new_back_test.back_test_create, name="back-test-create"),
    path("back-tests/new/portfolio/", portfolios.portfolio_create, name="portfolio-create"),
    path("back-tests/<int:key>/", back_tests.back_test_detail, name="back-test-detail"),
    path("back-tests/<int:key>/cancel/", back_tests.back_test_cancel, name="back-test-cancel"),
    path("back-tests/<int:key>/report/", back_tests.back_test_report, name="back-test-report"),
    path("back-tests/<int:key>/result.json", back_tests.back_test_result, name="back-test-result"),
    path("back-tests/<int:key>/preset.yaml", back_tests.back_test_preset, name="back-test-preset"),
    path("back-tests/<int:key>/bot.yaml", back_tests.back_test_bot, name="back-test-bot"),
    path("studies/<int:key>/", studies.study_detail, name="study-detail"),
    path("studies/<int:key>/best/", studies.study_best, name="study-best"),
    path("studies/<int:key>/cancel/", studies.study_cancel, name="study-cancel"),
    path("studies/<int:key>/preset.yaml", studies.study_preset, name="study-preset"),
    path("studies/<int:key>/bot.yaml", studies.study_bot, name="study-bot"),
    path("studies/<int:key>/result.json", studies.study_result, name="study-result"),
]
