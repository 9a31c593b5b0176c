"""Moves everything that is encrypted under the first key of ``FIELD_ENCRYPTION_KEY``, so that the old keys can go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Cast
from encrypted_model_fields.fields import EncryptedMixin

from exchange.errors import NeedsOperator

# Every Fernet token starts with the version byte 0x80, which is "gAAAA" in URL-safe base 64.
_FERNET_PREFIX = "gAAAA"


@dataclass(frozen=True, slots=True)
class Value:
    """One encrypted value, as it is stored."""

    model: type[models.Model]
    pk: int
    field: str
    owner: str
    stored: str

    @property
    def where(self) -> str:
        return f"{self.field} of {self.model._meta.verbose_name} {self.owner}"


@dataclass(frozen=True, slots=True)
class Rotation:
    """``total`` values were read; ``moved`` of them were under another key than the first."""

    total: int
    moved: int


def rotate_keys(*, dry_run: bool = False) -> Rotation:
    """Reads every value, writes those that need it anew, and reads them back with the first key alone.

    All or nothing: raises ``NeedsOperator``, with nothing changed, when a value cannot be read with any key of the
    list. ``dry_run`` does the same and takes it back. Running it again finds nothing to move.
    """
    first, *_ = keys = [Fernet(key) for key in settings.FIELD_ENCRYPTION_KEY]
    with transaction.atomic():
        values = list(_values())
        plain, unreadable = {}, []
        for value in values:
            try:
                plain[value] = _read(value.stored, MultiFernet(keys))
            except InvalidToken:
                unreadable.append(value.where)
        if unreadable:
            raise NeedsOperator(
                f"Nothing was changed: no key in FIELD_ENCRYPTION_KEY can read {', '.join(unreadable)}. Put the key that "
                "they were saved with at the end of the list, or enter those exchange keys again, and rotate then."
            )
        stale = [value for value in values if not _is_under(first, value.stored)]
        for value in stale:
            value.model._base_manager.filter(pk=value.pk).update(**{value.field: plain[value]})
        _require_same(plain, MultiFernet([first]))
        transaction.set_rollback(dry_run)
    return Rotation(len(values), len(stale))


def _values() -> Iterator[Value]:
    """Of every encrypted field of every model, locked until the transaction ends."""
    for model in apps.get_models():
        fields = [field.name for field in model._meta.get_fields() if isinstance(field, EncryptedMixin)]
        if not fields:
            continue
        # The library decrypts what it reads; a cast to plain text is handed out as it is stored.
        raw: dict[str, Any] = {f"stored_{name}": Cast(name, models.TextField()) for name in fields}
        for row in model._base_manager.select_for_update().order_by("pk").annotate(**raw).defer(*fields):
            for name in fields:
                yield Value(model, row.pk, name, str(row), getattr(row, f"stored_{name}"))


def _read(stored: str, keys: MultiFernet) -> str:
    """Raises ``InvalidToken``; also for what a process with a wrong key encrypted a second time."""
    plain = keys.decrypt(stored.encode()).decode()
    if plain.startswith(_FERNET_PREFIX):
        raise InvalidToken
    return plain


def _is_under(key: Fernet, stored: str) -> bool:
    try:
        key.decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _require_same(plain: dict[Value, str], first: MultiFernet) -> None:
    """Reads all of it back with the first key alone."""
    expected = {(value.model, value.pk, value.field): text for value, text in plain.items()}
    for value in _values():
        try:
            same = _read(value.stored, first) == expected[(value.model, value.pk, value.field)]
        except InvalidToken:
            same = False
        if not same:
            raise NeedsOperator(f"Nothing was changed: {value.where} did not read back as it was written.")
