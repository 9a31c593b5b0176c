"""A cache that may be missing: without Redis nothing is remembered, and the pages come up all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class ForgetfulRedisCache(RedisCache):
    """Only what may be forgotten belongs in it: nothing is ever counted or locked here."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except RedisError as error:
            _tell(error)
            return default

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        try:
            return super().get_many(keys, version)
        except RedisError as error:
            _tell(error)
            return {}

    def set(self, key: Any, value: Any, *arguments: Any, **named: Any) -> None:
        try:
            super().set(key, value, *arguments, **named)
        except RedisError as error:
            _tell(error)

    def set_many(self, data: Mapping[Any, Any], *arguments: Any, **named: Any) -> list[Any]:
        try:
            return super().set_many(dict(data), *arguments, **named)
        except RedisError as error:
            _tell(error)
            return list(data)

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except RedisError as error:
            _tell(error)
            return False

    def clear(self) -> None:
        try:
            super().clear()
        except RedisError as error:
            _tell(error)


def _tell(error: RedisError) -> None:
    log.warning("cache without Redis", error=str(error))
