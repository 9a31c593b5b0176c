"""The OpenAPI description: complete, valid, and readable without a foreign server."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import call_command
from django.test import Client


@pytest.mark.django_db
def test_the_schema_is_valid_and_complete() -> None:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    schema = out.getvalue()
    for address in (
        "/api/v1/auth/token/:",
        "/api/v1/auth/token/refresh/:",
        "/api/v1/bots/:",
        "/api/v1/bots/{name}/:",
        "/api/v1/bots/{name}/emergency-stop/:",
        "/api/v1/bots/{name}/fills/:",
        "/api/v1/bots/{name}/journal/:",
        "/api/v1/bots/preview/:",
        "/api/v1/accounts/{name}/:",
        "/api/v1/dashboard/:",
        "/api/v1/strategies/:",
        "/api/v1/back-tests/{id}/report/:",
        "/api/v1/studies/{id}/result/:",
    ):
        assert address in schema


@pytest.mark.django_db
def test_the_documentation_page_takes_nothing_from_other_servers(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/" in html
    assert not re.findall(r'(?:src|href)="https?://', html)


@pytest.mark.django_db
def test_the_schema_needs_no_login(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 200
