"""The API's one error shape: problem details (RFC 9457), for everything that can go wrong under ``/api/``.

``type, title, status, detail, instance``, and for a refused input ``errors``: a list of ``{field, message, value,
limit}`` with the field dotted from the top of the request (``config.lower``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.urls import Resolver404, resolve
from django.views import defaults
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from backtests.errors import BackTestRefused, NotDone
from bots.errors import BotError, ConfigInvalid, ExchangeUnavailable, ModeRefused, NotEditable, SignalRefused
from bots.lifecycle import InvalidTransition
from exchange.accounts import AccountInUse, AccountRefused
from exchange.errors import (
    AuthenticationFailed,
    ExchangeError,
    InsufficientFunds,
    NeedsOperator,
    NothingSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    TemporaryError,
)
from strategies.contract import Problem

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
_NAMESPACE = "urn:traderagent:problem:"

# What was raised → status, slug of the type, title. The first match counts, so subclasses stand before their bases.
_ANSWERS: Sequence[tuple[type[Exception], HTTPStatus, str, str]] = (
    (BackTestRefused, HTTPStatus.BAD_REQUEST, "invalid-input", "Some values cannot work"),
    (NotDone, HTTPStatus.CONFLICT, "not-done", "There is no result"),
    (ConfigInvalid, HTTPStatus.BAD_REQUEST, "invalid-input", "Some values cannot work"),
    (AccountRefused, HTTPStatus.BAD_REQUEST, "invalid-input", "Some values cannot work"),
    (AccountInUse, HTTPStatus.CONFLICT, "account-in-use", "Bots stand in the way"),
    (NotEditable, HTTPStatus.CONFLICT, "not-editable", "The bot has to be stopped first"),
    (SignalRefused, HTTPStatus.CONFLICT, "signal-refused", "The bot takes no signal now"),
    (ModeRefused, HTTPStatus.FORBIDDEN, "mode-refused", "This mode is not allowed here"),
    (ExchangeUnavailable, HTTPStatus.SERVICE_UNAVAILABLE, "exchange-unavailable", "The exchange does not answer"),
    (BotError, HTTPStatus.BAD_REQUEST, "refused", "Refused"),
    (InvalidTransition, HTTPStatus.CONFLICT, "invalid-transition", "Not possible in the present state"),
    (RateLimited, HTTPStatus.SERVICE_UNAVAILABLE, "exchange-rate-limit", "The exchange asks to slow down"),
    (TemporaryError, HTTPStatus.SERVICE_UNAVAILABLE, "exchange-unavailable", "The exchange does not answer"),
    (AuthenticationFailed, HTTPStatus.BAD_GATEWAY, "exchange-keys-refused", "The exchange refused the keys"),
    (NeedsOperator, HTTPStatus.SERVICE_UNAVAILABLE, "needs-operator", "An operator has to act"),
    (InsufficientFunds, HTTPStatus.CONFLICT, "insufficient-funds", "The balance does not cover it"),
    (OrderRejected, HTTPStatus.BAD_GATEWAY, "order-rejected", "The exchange refused the order"),
    (OrderNotFound, HTTPStatus.BAD_GATEWAY, "order-not-found", "The exchange does not know the order"),
    (OutcomeUnknown, HTTPStatus.BAD_GATEWAY, "outcome-unknown", "The exchange gave no trustworthy answer"),
    (ExchangeError, HTTPStatus.BAD_GATEWAY, "exchange-error", "The exchange answered with an error"),
)
_SERVICES_DOWN: Sequence[tuple[tuple[type[Exception], ...], str]] = (
    ((OperationalError,), "The database does not answer. Try again in a moment."),
    ((RedisConnectionError, RedisTimeoutError, BrokerError), "Redis does not answer. Try again in a moment."),
)


def problem(
    status: HTTPStatus | int,
    detail: str,
    *,
    instance: str,
    slug: str = "",
    title: str = "",
    errors: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """The body. Without a ``slug`` the type is ``about:blank``: the status says it all."""
    status = HTTPStatus(status)
    body: dict[str, Any] = {
        "type": f"{_NAMESPACE}{slug}" if slug else "about:blank",
        "title": title or status.phrase,
        "status": int(status),
        "detail": detail,
        "instance": instance,
    }
    if errors:
        body["errors"] = [dict(error) for error in errors]
    return body


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Django REST framework's hook. ``None`` for what nobody foresaw: Django logs it and calls ``server_error``."""
    request = context.get("request")
    body, headers = _answer(error, instance=request.path if request is not None else "", context=context)
    if body is None:
        return None
    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _answer(
    error: Exception, *, instance: str, context: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _framework_answer(error, instance=instance, request=context.get("request"))
    for classes, detail in _SERVICES_DOWN:
        if isinstance(error, classes):
            log.error("a service is down", detail=detail, error=str(error))
            body = problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, instance=instance, slug="service-down")
            return body, {"Retry-After": "5"}
    for kind, status, slug, title in _ANSWERS:
        if isinstance(error, kind):
            errors = (
                [as_error(item) for item in error.problems]
                if isinstance(error, ConfigInvalid | AccountRefused | BackTestRefused)
                else []
            )
            body = problem(status, str(error), instance=instance, slug=slug, title=title, errors=errors)
            wait = error.retry_after if isinstance(error, RateLimited | NothingSent) else None
            return body, {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
    return None, {}


def as_error(item: Problem) -> dict[str, str]:
    return {"field": item.field, "message": item.message, "value": item.value, "limit": item.limit}


def _framework_answer(
    error: exceptions.APIException, *, instance: str, request: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(round(wait))
    if isinstance(error, exceptions.ValidationError):
        given = _given(request)
        errors = [
            {"field": field, "message": message, "value": _value_at(given, field), "limit": ""}
            for field, message in _messages(error.detail)
        ]
        detail = " ".join(
            f"{item['field']}: {item['message']}" if item["field"] else item["message"] for item in errors
        )
        body = problem(
            error.status_code,
            detail,
            instance=instance,
            slug="invalid-input",
            title="Some values cannot work",
            errors=errors,
        )
        return body, headers
    if isinstance(error, exceptions.ParseError):
        slug, detail = "malformed", f"The body cannot be read: {error.detail}"
    else:
        slug, detail = "", _sentence(error.detail)
    return problem(error.status_code, detail, instance=instance, slug=slug), headers


def _sentence(detail: Any) -> str:
    """Tokens are refused with a dictionary whose ``detail`` is the sentence."""
    if isinstance(detail, Mapping):
        detail = detail.get("detail", "")
    return " ".join(str(item) for item in detail) if isinstance(detail, list) else str(detail)


def _messages(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            here = "" if key in {"non_field_errors", "detail"} else str(key)
            yield from _messages(value, ".".join(part for part in (path, here) if part))
    elif isinstance(detail, list):
        for position, value in enumerate(detail):
            nested = isinstance(value, Mapping | list)
            if not (nested and not value):
                yield from _messages(value, f"{path}.{position}" if nested else path)
    else:
        yield path, str(detail)


def _given(request: Any) -> Any:
    if request is None:
        return {}
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return request.query_params
    return request.data


def _value_at(given: Any, field: str) -> str:
    """What the caller sent for ``field``, unless it is named like a secret or is not a plain value."""
    if not field or any(word in field.lower() for word in ("password", "secret", "key", "token", "refresh")):
        return ""
    for part in field.split("."):
        if isinstance(given, Mapping):
            given = given.get(part)
        elif isinstance(given, list) and part.isdigit() and int(part) < len(given):
            given = given[int(part)]
        else:
            return ""
    return "" if given is None or isinstance(given, Mapping | list) else str(given)[:200]


def _response(body: Mapping[str, Any]) -> JsonResponse:
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def unknown_address(request: HttpRequest, rest: str) -> HttpResponse:
    """Everything under ``/api/`` that is nothing else. A reader who forgot the last slash is sent on."""
    if not rest.endswith("/") and _is_known(f"{request.path_info}/"):
        corrected = f"{request.path}/"
        if request.method in {"GET", "HEAD"}:
            query = request.META.get("QUERY_STRING", "")
            return HttpResponsePermanentRedirect(f"{corrected}?{query}" if query else corrected)
        detail = f"There is nothing at {request.path}. Addresses end in a slash: {corrected}"
    else:
        detail = f"There is nothing at {request.path}. The addresses are listed at /api/docs/."
    return _response(problem(HTTPStatus.NOT_FOUND, detail, instance=request.path))


def _is_known(path: str) -> bool:
    try:
        return resolve(path).func is not unknown_address
    except Resolver404:
        return False


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500``: problem details under ``/api/``, a page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    detail = "Something unforeseen went wrong; it is in the log. The request may be made again."
    return _response(problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, instance=request.path))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """``handler400``: a refused host name, a malformed upload."""
    if not request.path.startswith("/api/"):
        return defaults.bad_request(request, exception)
    detail = "The request was refused before it was read; its Host header may not be one of ALLOWED_HOSTS."
    return _response(problem(HTTPStatus.BAD_REQUEST, detail, instance=request.path))
