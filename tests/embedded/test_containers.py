"""No engine runs here; what can be held without one is that the files say what the process list says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.make_secrets import make
from traderagent.embedded.home import PROJECT
from traderagent.embedded.processes import PROCESSES

DEPLOYED = {process.name for process in PROCESSES if not process.embedded_only}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    return loaded


def test_the_services_are_the_process_list_and_the_two_servers(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == DEPLOYED | {"postgres", "redis"}
    assert {process.name for process in PROCESSES} - DEPLOYED == {"simulator"}


@pytest.mark.parametrize("name", sorted(DEPLOYED))
def test_a_process_is_started_by_its_name_in_the_list(compose: dict[str, Any], name: str) -> None:
    command = " ".join(compose["services"][name]["command"])
    assert command.endswith(f"python -m traderagent.embedded.processes {name}")


def test_every_service_has_a_health_check_of_its_own(compose: dict[str, Any]) -> None:
    checks = {name: service["healthcheck"]["test"] for name, service in compose["services"].items()}
    for name in DEPLOYED:
        assert checks[name] == ["CMD", "python", "-m", "traderagent.embedded.alive", name]
    assert "pg_isready" in checks["postgres"]
    assert "redis-cli ping" in " ".join(checks["redis"])


def test_no_secret_is_in_the_file_or_in_an_environment(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name in service.get("environment", {}):
            if re.search("KEY|PASSWORD|DATABASE_URL|REDIS_URL", name):
                assert name.endswith("_FILE")
        for secret in service.get("secrets", []):
            assert compose["secrets"][secret]["file"].startswith("./secrets/")


def test_the_secrets_that_the_file_names_are_made_once(compose: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made = make(folder)
    assert {path.name for path in made} == set(compose["secrets"])
    assert make(folder) == []
    password = (folder / "postgres_password").read_text()
    assert f":{password}@postgres:5432/traderagent" in (folder / "database_url").read_text()
    assert folder.stat().st_mode & 0o077 == 0


def test_research_workers_and_the_web_server_share_results_and_candles(compose: dict[str, Any]) -> None:
    image = (PROJECT / "Dockerfile").read_text()
    home = re.findall(r"TRADERAGENT_HOME=(\S+)", image)
    assert home == ["/data"]
    mounted = [
        dict(volume.split(":") for volume in compose["services"][name]["volumes"])
        for name in ("web", "worker-research")
    ]
    # Where the settings look when nothing else is said: BACKTESTS_DIR and CANDLE_STORE.
    assert mounted[0] == mounted[1] == {"backtests": "/data/backtests", "candles": "/data/candles"}
    assert set(mounted[0]) <= set(compose["volumes"])
    # A new volume is the ordinary user's only where the image has the folder for him.
    assert re.search(r"install --directory --owner traderagent /data/backtests /data/candles$", image, re.M)
    for name in ("web", "worker-research"):
        assert not {"BACKTESTS_DIR", "CANDLE_STORE", "TRADERAGENT_HOME"} & set(compose["services"][name]["environment"])


def test_only_one_beat_runs(compose: dict[str, Any]) -> None:
    assert "deploy" not in compose["services"]["beat"]


def test_the_image_runs_as_an_ordinary_user_and_checks_its_health() -> None:
    instructions = re.sub(r"\\\n\s*", "", (PROJECT / "Dockerfile").read_text())
    final_stage = instructions.rsplit("\nFROM ", 1)[1]
    users = re.findall(r"^USER (\S+)", final_stage, re.M)
    assert users == ["traderagent"]
    assert final_stage.index("\nUSER ") < final_stage.index("\nCMD ")
    assert "useradd" in final_stage
    assert "HEALTHCHECK" in final_stage
    assert 'CMD ["python", "-m", "traderagent.embedded.processes", "web"]' in final_stage
