"""Every kind of study ends with what its command writes, whoever runs its chunks and in whatever order."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from backtests import services
from backtests.analysis.kinds import KINDS
from backtests.errors import BackTestRefused
from backtests.jobs import leases, studies
from backtests.models import Chunk, JobStatus, Study, StudyKind
from tests.backtests.jobs import cast
from tests.backtests.jobs.command import written_by_command

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, int]]

SEARCH: dict[str, Any] = {"parameters": {"config.grids": [6, 8], "config.lower": ["94", "95"]}, "objectives": ["roi"]}
HISTORIES = {"runs": 50, "reruns": 2, "seed": 3}
COINS = " ".join(f"synthetic:mean-reverting,days=12,seed={seed}" for seed in (1, 2, 3))
# A sampler's batches depend on each other and on the order of the parameters, which is not the database's: that one has
# shorter names first.
SAMPLED = {
    **SEARCH,
    "parameters": {"config.grids": {"from": 4, "to": 20, "step": 1}, "slippage": [0.0, 0.0001, 0.0002]},
    "method": "tpe",
    "trials": 9,
}
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("walk-forward", SEARCH, cast.SOURCE, {"windows": 2, "anchored": True}),
    ("walk-forward", SAMPLED, cast.SOURCE, {"windows": 2, "train_share": 0.5}),
    ("monte-carlo", {}, cast.SOURCE, HISTORIES),
    ("monte-carlo", SEARCH, cast.SOURCE, HISTORIES | {"noise": 0.3}),
    ("sensitivity", SEARCH, cast.SOURCE, {"parameter": ["config.grids"]}),
    ("sensitivity", SEARCH | {"parameters": SEARCH["parameters"] | {"spread": [0, 0.001]}}, cast.SOURCE, {}),
    ("robustness", SEARCH, cast.SOURCE, HISTORIES | {"windows": 2}),
    ("rank", {}, COINS, {"by": "roi"}),
]


def told(study: Study) -> Any:
    assert study.status == JobStatus.DONE, study.error
    return json.loads(services.result_of(study))


def asked(kind: str, search: dict[str, Any], source: str, options: dict[str, Any]) -> Study:
    return cast.study(source, search, kind, options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {'of a search' if case[1] else 'of a preset'}")
def test_a_study_is_the_command_in_pieces(
    case: tuple[str, dict[str, Any], str, dict[str, Any]], sent: Sent, tmp_path: Path
) -> None:
    done = cast.drive(asked(*case), seed=7)
    found, expected = told(done), written_by_command(*case, tmp_path)
    about = found.pop("study")
    assert (about["kind"], about["search"]) == (case[0], case[1])
    assert found.pop("hash") == done.hash
    expected.pop("subject", None)
    assert found == expected
    # Names stand in the same order too.
    assert json.dumps(found["verdict"] if "verdict" in found else found["ranking"]) in json.dumps(expected)
    assert not done.chunks.exclude(status=JobStatus.DONE).exists()


def test_a_grid_for_each_coin_as_the_command_finds_it(sent: Sent, tmp_path: Path) -> None:
    # The third one is too short to be classified: it is told, and stops nothing.
    source = "synthetic:sine,days=9,period=48,amplitude=5 synthetic:regimes,days=9 synthetic:sine,days=1"
    preset = cast.PRESET | {
        "timeframe": "1h", "config": {"range_percent": 10, "grids": 20, "investment": 1000}, "initial_balance": 1000,
    }  # fmt: skip
    options = {"objective": "roi", "fewest_trades": 1, "stress_days": 2, "stress_windows": 2}
    study = services.request_study(
        kind="grid-system", preset=preset, source=source, options=options, requested_by="alice"
    )
    found = told(cast.drive(study))
    (tmp_path / "base.yaml").write_text(json.dumps(preset))
    call_command(
        "grid-system", str(tmp_path / "base.yaml"), "--candles", *source.split(), "--objective", "roi",
        "--fewest-trades", "1", "--stress-days", "2", "--stress-windows", "2", "--workers", "1",
        "--json", str(tmp_path / "out.json"), "--trials", str(tmp_path / "trials"),
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    expected = json.loads((tmp_path / "out.json").read_text())
    assert {name: found[name] for name in expected} == expected
    assert [coin["source"] for coin in found["coins"]] == source.split()[:2]
    assert "28 candles of 4h" in found["failed"][0]["error"]


def test_every_kind_can_be_asked_for_and_its_words_are_those_of_the_table() -> None:
    assert set(StudyKind.values) == set(KINDS)
    assert {kind.value: kind.label for kind in StudyKind} == {name: kind.title for name, kind in KINDS.items()}


def test_options_make_another_study_and_a_default_that_is_written_out_does_not(sent: Sent) -> None:
    first = cast.drive(asked("sensitivity", SEARCH, cast.SOURCE, {}))
    same = cast.drive(asked("sensitivity", SEARCH, cast.SOURCE, {"parameter": []}))
    other = cast.drive(asked("sensitivity", SEARCH, cast.SOURCE, {"parameter": ["config.lower"]}))
    assert same.same_as == first
    assert other.same_as is None


def test_more_trials_of_a_sampler_are_another_study(sent: Sent) -> None:
    first = cast.drive(cast.study(search=SAMPLED | {"trials": 3}))
    other = cast.drive(cast.study(search=SAMPLED | {"trials": 5}))
    assert other.same_as is None
    # Those of the first search; the sampler may have tried one of them twice.
    assert [len(cast.trials_of(study)) for study in (first, other)] == [3, 5]


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("walk-forward", {"options": {"windows": 0}}, "options.windows"),
        ("walk-forward", {"options": {"window": 3}}, "options.window"),
        ("walk-forward", {"options": {"train_share": 1}}, "options.train_share"),
        ("walk-forward", {"options": {"anchored": "yes"}}, "options.anchored"),
        ("walk-forward", {"search": {}}, "search"),
        ("sensitivity", {"options": {"parameter": ["config.luck"]}}, "options.parameter"),
        (
            "sensitivity",
            {"search": {"parameters": {"slippage": {"from": 0, "to": 0.01}}, "method": "tpe"}},
            "search.parameters.slippage",
        ),
        ("rank", {"options": {"by": "beauty"}, "search": {}}, "options.by"),
        ("rank", {"source": "synthetic:sine /etc/passwd", "search": {}}, "source"),
        ("rank", {}, "search"),
        (
            "grid-system",
            {"preset": {**cast.PRESET, "strategy": "trend", "config": {"investment": 500}}, "search": {}},
            "preset.strategy",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_field(kind: str, changes: dict[str, Any], field: str) -> None:
    request: dict[str, Any] = {"preset": cast.PRESET, "search": SEARCH, "source": cast.SOURCE, "requested_by": "alice"}
    with pytest.raises(BackTestRefused) as refused:
        services.request_study(kind=kind, **{**request, **changes})
    assert field in {problem.field for problem in refused.value.problems}
    assert not Study.objects.exists()


def test_cancelled_between_two_windows_nothing_more_is_begun(sent: Sent) -> None:
    study = asked("walk-forward", SEARCH, cast.SOURCE, {"windows": 2})
    waiting = cast.begun(study)
    assert len(waiting) == 2
    studies.run_chunk(waiting[0])
    assert services.cancel(study)
    assert studies.run_chunk(waiting[1]) == []
    assert Study.objects.get(pk=study.pk).status == JobStatus.CANCELLED


def test_a_leader_that_died_is_followed_by_another_one(sent: Sent) -> None:
    study = asked("sensitivity", SEARCH, cast.SOURCE, {})
    (lead,) = studies.run_chunk(study.chunks.get().pk)
    dead = leases.claim(Chunk.objects.filter(pk=lead))
    assert dead is not None
    assert leases.hand_back(Chunk.objects.all(), now=study.created_at + 10 * leases.lease_length()) == [lead]
    waiting = studies.run_chunk(lead)
    with pytest.raises(leases.LeaseLost):
        dead.write(status=JobStatus.DONE)
    while waiting:
        waiting += studies.run_chunk(waiting.pop())
    assert Study.objects.get(pk=study.pk).status == JobStatus.DONE


def test_where_no_coin_can_be_run_the_study_says_why(sent: Sent) -> None:
    failed = cast.drive(asked("rank", {}, "bybit/spot/NONEUSDT bybit/spot/NEITHER", {}))
    assert failed.status == JobStatus.FAILED
    assert "not one of 2 coins could be run" in failed.error
    assert "bybit/spot/NONEUSDT" in failed.error
