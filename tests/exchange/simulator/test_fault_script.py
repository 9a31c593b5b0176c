"""Fault rules as they are written: what each line means, and what is said of one that means nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.parameters import Delay, Hang, Lag, Offset, Parameters, Pings, Points, Shares, Status
from exchange.simulator.faults.rules import KINDS, FaultRule, Scope, describe
from exchange.simulator.faults.script import parse_line, parse_script, read_object

SCOPE = Scope(
    ("order/create", "order/cancel", "order/realtime", "order/history", "execution/list", "market/kline"),
    ("spot/ETHUSDT", "linear/ETHUSDT"),
)


def read(line: str) -> FaultRule:
    return parse_line(line, SCOPE)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("drop-after-accept on order/create ×3", ("drop-after-accept", "order/create", 1.0, 3, None, None)),
        (
            "at point 120: drop-after-accept on order/create x3",
            ("drop-after-accept", "order/create", 1.0, 3, 120, None),
        ),
        ("at point 120: drop-before-accept", ("drop-before-accept", "*", 1.0, 1, 120, None)),
        ("5% error on *", ("error", "*", 0.05, None, None, None)),
        ("0.5% ×2 truncate on order/*", ("truncate", "order/*", 0.005, 2, None, None)),
        ("from point 10 to 50: latency 50..400ms on *", ("latency", "*", 1.0, None, 10, 50)),
        ("from point 10 to point 50: ban", ("ban", "*", 1.0, None, 10, 50)),
        ("from point 10: maintenance", ("maintenance", "*", 1.0, None, 10, None)),
        ("until point 7: rate-limit 2s on order/create", ("rate-limit", "order/create", 1.0, None, None, 7)),
        ("at once: disconnect on ws/private", ("disconnect", "ws/private", 1.0, None, None, None)),
        # A state that begins at a point stays.
        ("at point 3: stale-tickers on ETHUSDT", ("stale-tickers", "ETHUSDT", 1.0, None, 3, None)),
        # What has a duration happens as often as it can while it lasts.
        ("at point 3: ban for 10s", ("ban", "*", 1.0, None, 3, None)),
    ],
)
def test_a_line_says_what_how_often_and_when(
    line: str, expected: tuple[str, str, float, int | None, int | None, int | None]
) -> None:
    rule = read(line)
    assert (rule.kind.name, rule.target, rule.chance, rule.count, rule.first, rule.last) == expected


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("latency 300ms", Delay(300, 300)),
        ("latency 50..400ms after-accept", Delay(50, 400, after_accept=True)),
        ("latency 500ms..2s", Delay(500, 2000)),
        ("latency lognormal p50=80ms p95=400ms", Delay(80, 400, lognormal=True)),
        ("error", Status((500, 502, 503, 504), after_accept=False)),
        ("error 502 504 after-accept on order/create", Status((502, 504), after_accept=True)),
        ("lose-response 5s", Hang(5.0)),
        ("clock +3m", Offset(180_000)),
        ("clock -90s", Offset(-90_000)),
        ("list-lag 1.5s on order/realtime", Lag(1500)),
        ("trigger-without-fill 10 points on linear/ETHUSDT", Points(10)),
        ("partial-fills", Shares(Decimal("0.2"), Decimal("0.6"), thin=False)),
        ("partial-fills 25%..50% thin on spot/ETHUSDT", Shares(Decimal("0.25"), Decimal("0.5"), thin=True)),
        ("silent no-pongs on ws/public", Pings(answered=False)),
    ],
)
def test_parameters(line: str, parameters: Parameters) -> None:
    assert read(line).parameters == parameters


def test_a_script_has_comments_and_empty_lines() -> None:
    rules = parse_script("# a bad day\n\n5% error on *  # now and then\nat point +9: ban for 2s\n", SCOPE)
    assert [rule.kind.name for rule in rules] == ["error", "ban"]
    assert (rules[1].first, rules[1].relative, rules[1].for_ms) == (9, True, 2000)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("eror on *", "'eror' is no kind of fault; choose of latency, rate-limit,"),
        ("5%", "a kind of fault is missing"),
        ("at point x: error", "point 'x' is no number; write 120, or +120"),
        ("at noon: error", "'at noon' is no time; write at once, at point 120,"),
        ("at point 120 error", "a colon has to follow the time"),
        ("from point 50 to 10: error", "the points run backwards: 50 comes after 10"),
        ("from point 5 to +10: error", "either both or none count from now"),
        ("0% error", "write 0.1% to 100%"),
        ("120% error", "write 0.1% to 100%"),
        ("error ×0", "a count must be at least ×1"),
        ("error 404", "'404' is no gateway error; choose of 500, 502, 503, 504"),
        ("error on order/crate", "'order/crate' is no path that error can meet; there are order/create,"),
        ("error on", "something is missing after 'on'"),
        ("error on order/create soon", "'soon' is not understood after 'on order/create'"),
        ("latency", "latency needs one duration or range"),
        ("latency fast", "'fast' is no duration; write 250ms, 2s, 3m or 1h"),
        ("latency 400..50ms", "the range 400..50ms runs backwards"),
        ("latency lognormal p50=80ms", "needs p50 and p95"),
        ("latency lognormal p50=80ms p95=20ms", "not above p95"),
        ("clock 3m", "clock needs one offset with its sign"),
        ("clock +3m on order/create", "clock is about the whole server"),
        ("5% clock +3m", "takes neither a chance nor a count"),
        ("list-lag 1s on order/create", "no path that list-lag can meet; there are order/realtime, order/history,"),
        ("duplicate on order/create", "happens on ws/public, ws/private or a topic below them"),
        ("drop-after-accept on ws/public", "happens to requests, not to sockets"),
        ("delisted on DOGEUSDT", "'DOGEUSDT' is no symbol of this market; there are ETHUSDT"),
        ("delisted on ETHUSDT account=me", "does not tell accounts apart"),
        ("partial-fills 60%..20%", "must lie between 0% and 100%, the smaller one first"),
        ("partial-fills lots", "'lots' is no share; write it as 30%"),
        ("trigger-without-fill", "a number of points is needed"),
        ("lose-response 10m", "held back for 120s at most"),
        ("rate-limit 2s 3s", "'3s' is not understood here"),
    ],
)
def test_what_is_wrong_is_named_with_the_mend(line: str, problem: str) -> None:
    with pytest.raises(FaultError) as caught:
        read(line)
    assert problem in str(caught.value)


def test_every_wrong_line_of_a_script_is_named_by_its_number() -> None:
    with pytest.raises(FaultError) as caught:
        parse_script("error\n\nerror 404\n# fine\nfrob\n", SCOPE)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["line 3", "line 5"]


@pytest.mark.parametrize(
    "line",
    [
        "5% error 502 after-accept on order/* ×3",
        "at point 120: drop-after-accept on order/create",
        "at point 120: drop-after-accept on order/create ×3",
        "from point +10 to +50: latency 50..400ms",
        "until point 7: ban for 10s",
        "partial-fills 25%..50% on ETHUSDT",
        "silent no-pongs on ws/public for 1.5s",
        "drop-before-accept on order/create account=me ×1",
        "at point 3: partial-fills on ETHUSDT ×1",
        "at point 3: partial-fills on ETHUSDT",
        "at point 3: error for 10s ×1",
        "at point 3: error for 10s",
    ],
)
def test_a_rule_is_told_in_the_words_that_it_can_be_written_in(line: str) -> None:
    assert read(describe(read(line))) == read(line)


def test_every_kind_can_be_written() -> None:
    """The words that each kind's usage gives as an example are understood."""
    for kind in KINDS.values():
        example = kind.parameters.usage.split("|")[0]
        words = " ".join(word for word in example.split() if not word.startswith("["))
        assert read(f"{kind.name} {words}").kind is kind


def test_an_object_means_the_same_as_a_line() -> None:
    fields = {"kind": "latency", "parameters": "50..400ms", "on": "order/*", "chance": 0.5, "from": 10, "to": 50}
    assert read_object(fields, SCOPE) == read("from point 10 to 50: 50% latency 50..400ms on order/*")
    at = {"kind": "ban", "at": "+3", "for": "10s", "account": "me"}
    assert read_object(at, SCOPE) == read("at point +3: ban account=me for 10s")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "error", "often": 3}, "'often' is no field of a rule; there are kind,"),
        ({"kind": "error", "chance": "5%"}, "chance '5%' must be a number from 0 to 1"),
        ({"kind": "error", "count": True}, "count True must be a whole number"),
        ({"kind": "error", "at": 3, "to": 5}, "either 'at' one point or 'from'"),
        ({}, "'' is no kind of fault"),
    ],
)
def test_a_wrong_object_is_named(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(FaultError) as caught:
        read_object(fields, SCOPE)
    assert problem in str(caught.value)
