"""Every encrypted value moves under the new key, or none does."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.management import CommandError, call_command
from django.db import connection
from encrypted_model_fields import fields

from exchange.encryption import verify_encryption_key
from exchange.errors import NeedsOperator
from exchange.key_rotation import Rotation, rotate_keys
from exchange.models import EncryptionCanary, ExchangeAccount
from tests.bots import cast

pytestmark = pytest.mark.django_db

OLD = os.environ.get("FIELD_ENCRYPTION_KEY", "").split(",")
NEW, FOREIGN = Fernet.generate_key().decode(), Fernet.generate_key().decode()
KEYS = ("api_key", "api_secret", "api_password")

Hold = Callable[..., None]


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Hold:
    """As if this process had been started with these keys."""

    def hold_(*keys: str) -> None:
        settings.FIELD_ENCRYPTION_KEY = list(keys)
        monkeypatch.setattr(fields, "CRYPTER", MultiFernet([Fernet(key) for key in keys]))

    return hold_


def stored() -> dict[str, str]:
    """The ciphertexts, by account and field."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, api_key, api_secret, api_password FROM exchange_exchangeaccount ORDER BY name")
        found = {
            f"{name}.{field}": text
            for name, *texts in cursor.fetchall()
            for field, text in zip(KEYS, texts, strict=True)
        }
        cursor.execute("SELECT text FROM exchange_encryptioncanary")
        return {**found, "canary": cursor.fetchone()[0]}


def two_accounts() -> list[ExchangeAccount]:
    """One is the usual test account, the other has keys of its own and a password; and there is the known text."""
    verify_encryption_key()
    first = cast.account()
    other = ExchangeAccount.objects.create(
        name="second", owner=first.owner, exchange_id="okx", environment="live",
        api_key="another-key", api_secret="another-secret", api_password="pässphrase",
    )  # fmt: skip
    return [first, other]


def opened_with(*keys: str) -> dict[str, str]:
    opener = MultiFernet([Fernet(key) for key in keys])
    return {where: opener.decrypt(text.encode()).decode() for where, text in stored().items()}


def test_everything_is_under_the_new_key_and_reads_the_same(hold: Hold) -> None:
    two_accounts()
    before = opened_with(*OLD)
    hold(NEW, *OLD)

    assert rotate_keys() == Rotation(total=7, moved=7)

    assert opened_with(NEW) == before
    assert before["second.api_password"] == "pässphrase"
    with pytest.raises(InvalidToken):
        opened_with(*OLD)


def test_afterwards_the_old_key_is_not_needed(hold: Hold) -> None:
    _, other = two_accounts()
    hold(NEW, *OLD)
    rotate_keys()
    hold(NEW)

    verify_encryption_key()
    other.refresh_from_db()

    assert (other.api_key, other.gateway_config().api_secret) == ("another-key", "another-secret")


def test_a_second_time_there_is_nothing_to_do(hold: Hold) -> None:
    two_accounts()
    hold(NEW, *OLD)
    rotate_keys()
    after = stored()

    assert rotate_keys() == Rotation(total=7, moved=0)
    assert stored() == after


def test_what_was_half_moved_is_moved_to_the_end(hold: Hold) -> None:
    first, _ = two_accounts()
    hold(NEW, *OLD)
    first.save()  # somebody edited the account meanwhile: its three values are under the new key

    assert rotate_keys() == Rotation(total=7, moved=4)
    assert opened_with(NEW)["second.api_key"] == "another-key"


def test_a_rehearsal_changes_nothing(hold: Hold) -> None:
    two_accounts()
    before = stored()
    hold(NEW, *OLD)

    assert rotate_keys(dry_run=True) == Rotation(total=7, moved=7)
    assert stored() == before


def test_one_value_that_cannot_be_read_stops_everything(hold: Hold) -> None:
    first, other = two_accounts()
    hold(FOREIGN, *OLD)
    other.save()
    hold(NEW, *OLD)
    before = stored()

    with pytest.raises(NeedsOperator) as refusal:
        rotate_keys()

    assert "api_secret of exchange account second" in refusal.value.detail
    assert first.name not in refusal.value.detail
    assert "gAAAA" not in refusal.value.detail
    assert stored() == before


def test_what_was_encrypted_twice_is_not_taken_for_a_key(hold: Hold) -> None:
    """A process with a wrong key reads ciphertext as if it were the key; saved, that is ciphertext of ciphertext."""
    _, other = two_accounts()
    hold(FOREIGN)
    ExchangeAccount.objects.filter(pk=other.pk).update(api_key=stored()["second.api_key"])
    hold(NEW, FOREIGN, *OLD)

    with pytest.raises(NeedsOperator, match="api_key of exchange account second"):
        rotate_keys()


def test_the_command_says_what_to_do_next(hold: Hold) -> None:
    two_accounts()
    hold(NEW, *OLD)
    said = io.StringIO()

    call_command("rotate_keys", "--dry-run", stdout=said)
    call_command("rotate_keys", stdout=said)
    hold(NEW)
    call_command("rotate_keys", stdout=said)

    assert "7 of 7 encrypted values would be moved. Nothing was changed." in said.getvalue()
    assert "7 of 7 encrypted values were moved; all are under the first key." in said.getvalue()
    assert "take the other out of FIELD_ENCRYPTION_KEY and restart every process" in said.getvalue()
    assert "0 of 7 encrypted values were moved" in said.getvalue()
    assert "put a new one before it" in said.getvalue()


def test_the_command_refuses_with_a_sentence(hold: Hold) -> None:
    _, other = two_accounts()
    hold(FOREIGN, *OLD)
    other.save()
    hold(NEW, *OLD)

    with pytest.raises(CommandError, match="Nothing was changed: no key in FIELD_ENCRYPTION_KEY can read"):
        call_command("rotate_keys")


def test_without_the_old_key_the_command_ends_at_once(hold: Hold, capsys: pytest.CaptureFixture[str]) -> None:
    two_accounts()
    hold(NEW)

    with pytest.raises(SystemExit) as end:
        call_command("rotate_keys")

    assert end.value.code == os.EX_CONFIG
    assert "FIELD_ENCRYPTION_KEY is not the key" in capsys.readouterr().err
    assert EncryptionCanary.objects.count() == 1
