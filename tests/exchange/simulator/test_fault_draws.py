"""What is drawn by chance: delays follow their distribution, parts of an order add up whatever is drawn."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exchange.simulator.faults.fills import resting_part, taking_parts
from exchange.simulator.faults.plan import Fault, FaultPlan
from exchange.simulator.faults.rules import Scope
from exchange.simulator.faults.script import parse_line
from exchange.simulator.lags import Births

SCOPE = Scope(("order/create", "market/time"), ("spot/ETHUSDT",))
STEP = Decimal("0.001")


def plan_of(*lines: str, seed: int = 1, point: int = 0) -> FaultPlan:
    plan = FaultPlan(seed, point)
    plan.add([parse_line(line, SCOPE) for line in lines])
    return plan


def shares(written: str, seed: int) -> Fault:
    [fault] = plan_of(f"partial-fills {written}", seed=seed).faults
    return fault


def test_a_range_of_latencies_is_uniform() -> None:
    plan = plan_of("latency 50..400ms")
    seconds = sorted(plan.decide("order/create", "").before for _ in range(4000))
    assert 0.05 <= seconds[0] < 0.052
    assert 0.398 < seconds[-1] <= 0.4
    # The median of a uniform distribution is its middle.
    assert abs(seconds[2000] - 0.225) < 0.01


def test_a_lognormal_latency_has_the_percentiles_that_were_asked_for() -> None:
    plan = plan_of("latency lognormal p50=80ms p95=400ms")
    seconds = sorted(plan.decide("order/create", "").before for _ in range(20_000))
    assert abs(seconds[10_000] - 0.08) < 0.004
    assert abs(seconds[19_000] - 0.4) < 0.03


def test_latencies_add_up_and_of_the_rest_the_first_rule_wins() -> None:
    plan = plan_of("latency 100ms", "latency 50ms after-accept", "error 502 on order/*", "latency 10ms", "ban")
    decision = plan.decide("order/create", "")
    assert (decision.before, decision.after) == (0.11, 0.05)
    assert decision.fault is plan.faults[2]
    # A rule that was not reached is not counted.
    assert [fault.applied for fault in plan.faults] == [1, 1, 1, 1, 0]


def test_every_fault_of_a_chance_is_counted_against_its_count() -> None:
    plan = plan_of("50% error ×5")
    struck = sum(plan.decide("market/time", "").fault is not None for _ in range(100))
    assert (struck, plan.faults[0].applied, plan.faults[0].stage) == (5, 5, "done")


def test_a_duration_counts_from_when_the_rule_begins() -> None:
    now = 100.0
    plan = FaultPlan(1, 0, monotonic=lambda: now)
    plan.add([parse_line("at point 3: ban for 2s", SCOPE)])
    seen = []
    for point, seconds in ((2, 100.0), (3, 110.0), (4, 111.9), (4, 112.0), (5, 113.0)):
        now = seconds
        plan.reach(point)
        seen.append(plan.decide("market/time", "").fault is not None)
    assert seen == [False, True, True, False, False]


@given(
    st.integers(1, 10_000_000),
    st.sampled_from(["20%..60%", "1%", "99%", "7%..33%"]),
    st.integers(0, 1_000),
)
def test_the_executions_of_an_order_add_up_in_whole_steps(steps: int, written: str, seed: int) -> None:
    amount = steps * STEP
    parts = taking_parts(shares(written, seed), amount, STEP)
    assert sum(parts) == amount
    assert all(part > 0 and part % STEP == 0 for part in parts)


@given(st.integers(1, 10_000_000), st.integers(1, 10_000_000), st.integers(0, 1_000))
def test_a_resting_order_never_fills_more_than_is_left(steps: int, left_steps: int, seed: int) -> None:
    amount, left = max(steps, left_steps) * STEP, left_steps * STEP
    part = resting_part(shares("20%..60%", seed), amount, left, STEP)
    assert 0 < part <= left
    assert part <= max(amount * Decimal("0.6"), STEP)


def test_a_thin_market_gives_one_part() -> None:
    [fault] = plan_of("partial-fills 30% thin").faults
    assert taking_parts(fault, Decimal(10), STEP) == [Decimal(3)]


def test_the_seed_is_the_only_source_of_chance() -> None:
    def draws(seed: int) -> list[bool]:
        plan = plan_of("30% error", seed=seed)
        return [plan.decide("market/time", "").fault is not None for _ in range(200)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


def test_births_are_forgotten_from_the_oldest_on() -> None:
    now = 0.0
    births = Births(kept=2, monotonic=lambda: now)
    for name in ("one", "two", "three"):
        births.note(name)
    assert [births.is_younger(name, 500) for name in ("one", "two", "three", "never")] == [False, True, True, False]
    now = 0.5
    assert not births.is_younger("three", 500)
