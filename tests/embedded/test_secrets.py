from __future__ import annotations

import base64
import stat
from pathlib import Path

from cryptography.fernet import Fernet

from traderagent.embedded.secrets import load_secrets, random_secrets

NAMES = {
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEY",
    "DEMO_PASSWORD",
    "SIMULATOR_API_KEY",
    "SIMULATOR_API_SECRET",
    "REDIS_PASSWORD",
}


def test_secrets_are_the_same_at_every_start(tmp_path: Path) -> None:
    first = load_secrets(tmp_path / "secrets")
    assert load_secrets(tmp_path / "secrets") == first
    assert set(first) == NAMES


def test_two_homes_have_no_secret_in_common(tmp_path: Path) -> None:
    one, other = load_secrets(tmp_path / "one"), load_secrets(tmp_path / "other")
    assert not set(one.values()) & set(other.values())


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    load_secrets(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o600


def test_a_secret_that_a_newer_version_needs_is_added_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("SECRET_KEY=kept\n")
    secrets = load_secrets(tmp_path / "secrets")
    assert secrets["SECRET_KEY"] == "kept"
    assert set(secrets) == NAMES
    assert load_secrets(tmp_path / "secrets") == secrets


def test_the_encryption_key_is_one_that_fernet_takes() -> None:
    key = random_secrets()["FIELD_ENCRYPTION_KEY"]
    assert len(base64.urlsafe_b64decode(key)) == 32
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"an exchange key")) == b"an exchange key"


def test_the_django_key_is_as_long_as_the_deployment_check_wants() -> None:
    assert len(random_secrets()["SECRET_KEY"]) >= 50
