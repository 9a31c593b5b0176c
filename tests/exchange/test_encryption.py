"""A process that holds another encryption key than the database's ends before it does anything."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.db import connection
from django.test import Client
from encrypted_model_fields import fields

from exchange.encryption import verify_encryption_key
from exchange.errors import NeedsOperator
from exchange.models import EncryptionCanary
from tests.bots import cast
from traderagent.embedded.home import PROJECT
from traderagent.embedded.processes import find

OTHER_KEY = Fernet.generate_key().decode()


def hold(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """As if this process had been started with these keys."""
    monkeypatch.setattr(fields, "CRYPTER", MultiFernet([Fernet(key) for key in keys]))


@pytest.mark.django_db
def test_the_first_process_leaves_a_text_that_only_the_key_can_read() -> None:
    verify_encryption_key()
    verify_encryption_key()
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM exchange_encryptioncanary")
        ((stored,),) = cursor.fetchall()
    assert stored.startswith("gAAAA")
    assert EncryptionCanary.objects.get().text == "traderagent"


@pytest.mark.django_db
def test_another_key_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    verify_encryption_key()
    hold(monkeypatch, OTHER_KEY)
    with pytest.raises(NeedsOperator, match="FIELD_ENCRYPTION_KEY is not the key"):
        verify_encryption_key()


@pytest.mark.django_db
def test_a_new_key_may_stand_before_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    verify_encryption_key()
    hold(monkeypatch, OTHER_KEY, *os.environ["FIELD_ENCRYPTION_KEY"].split(","))
    verify_encryption_key()


@pytest.mark.django_db
def test_a_database_without_the_text_is_judged_by_its_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restored from a backup, for instance: no text must be left there under the wrong key."""
    cast.account()
    hold(monkeypatch, OTHER_KEY)
    with pytest.raises(NeedsOperator, match="practice cannot be decrypted"):
        verify_encryption_key()
    assert not EncryptionCanary.objects.exists()


@pytest.mark.django_db
def test_the_api_gives_the_same_message(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    cast.bot()
    client.force_login(cast.alice())
    hold(monkeypatch, OTHER_KEY)
    answer = client.post("/api/v1/accounts/practice/test/")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:traderagent:problem:needs-operator"
    assert "FIELD_ENCRYPTION_KEY" in answer.json()["detail"]
    assert "gAAAA" not in answer.content.decode()


@pytest.mark.django_db
def test_an_account_that_cannot_be_read_is_not_overwritten(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """Saving would encrypt the ciphertext once more, and the key would be lost for good."""
    account = cast.account()
    client.force_login(cast.alice())
    hold(monkeypatch, OTHER_KEY)
    answer = client.patch("/api/v1/accounts/practice/", {"options": {"a": 1}}, "application/json")
    assert answer.status_code == 503
    monkeypatch.undo()
    account.refresh_from_db()
    assert (account.api_key, account.options) == ("key", {})


def environ(**changes: str) -> dict[str, str]:
    """The environment of a process on the test's own database."""
    server, _, rest = os.environ["DATABASE_URL"].rpartition("/")
    query = f"?{rest.partition('?')[2]}" if "?" in rest else ""
    own = {
        "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}{query}",
        "PORT": "0",
        "PYTHONWARNINGS": "ignore",
    }
    return {**os.environ, **own, **changes}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_process_and_command_ends_with_one_clear_line_and_code_78() -> None:
    verify_encryption_key()
    started = {
        name: subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environ(FIELD_ENCRYPTION_KEY=OTHER_KEY),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, command in {
            "web": find("web").command({"PORT": "0"}),
            "worker-ticks": find("worker-ticks").command({"TICK_WORKERS": "1"}),
            "worker-research": find("worker-research").command({"RESEARCH_WORKERS": "1"}),
            "beat": find("beat").command({}),
            "stream": find("stream").command({}),
            "bots list": [sys.executable, "manage.py", "bots", "list"],
            "demo_setup": [sys.executable, "manage.py", "demo_setup"],
            "reconcile": [sys.executable, "manage.py", "reconcile"],
            "rotate_keys": [sys.executable, "manage.py", "rotate_keys"],
        }.items()
    }
    try:
        for name, process in started.items():
            output, _ = process.communicate(timeout=180)
            assert process.returncode == os.EX_CONFIG, f"{name}: {process.returncode}\n{output}"
            assert "FIELD_ENCRYPTION_KEY is not the key that this database's exchange keys were saved with." in output
            assert "Traceback" not in output, name
    finally:
        for process in started.values():
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_database_without_tables_says_what_to_do() -> None:
    empty = environ()["DATABASE_URL"].replace(connection.settings_dict["NAME"], "postgres")
    result = subprocess.run(
        [sys.executable, "manage.py", "bots", "list"],
        cwd=PROJECT,
        env=environ(DATABASE_URL=empty),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert result.returncode == os.EX_CONFIG
    assert result.stderr.strip() == "The database has no tables yet. Run `manage.py migrate` first."
