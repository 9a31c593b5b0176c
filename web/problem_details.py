"""The shape of every error in the API's schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProblemOut(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()
    value = serializers.CharField()
    limit = serializers.CharField()


class ProblemDetails(serializers.Serializer[Any]):
    """RFC 9457, ``application/problem+json``."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    errors = ProblemOut(many=True, required=False)  # type: ignore[assignment]
