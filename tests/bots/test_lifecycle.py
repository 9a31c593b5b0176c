from __future__ import annotations

import itertools

import pytest

from bots.lifecycle import (
    BotStatus,
    InvalidTransition,
    OrderStatus,
    check_bot_transition,
    check_order_transition,
)

# As the specification lists them.
ALLOWED = {
    ("stopped", "starting"),
    ("starting", "running"),
    ("starting", "stopping"),
    ("starting", "emergency"),
    ("running", "paused"),
    ("paused", "running"),
    ("running", "stopping"),
    ("paused", "stopping"),
    ("stopping", "stopped"),
    ("running", "emergency"),
    ("paused", "emergency"),
    ("stopping", "emergency"),
    ("emergency", "stopping"),
}


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(BotStatus.values, BotStatus.values)))
def test_only_the_listed_transitions_of_a_bot_are_allowed(present: str, wanted: str) -> None:
    if (present, wanted) in ALLOWED:
        check_bot_transition("eth", present, wanted)
        return
    with pytest.raises(InvalidTransition) as refusal:
        check_bot_transition("eth", present, wanted)
    assert str(refusal.value).startswith(f"Bot eth is {present} and cannot become {wanted}; from here: ")


@pytest.mark.parametrize("over", [OrderStatus.FILLED, OrderStatus.REJECTED])
@pytest.mark.parametrize("wanted", OrderStatus.values)
def test_a_filled_or_rejected_order_never_changes_again(over: OrderStatus, wanted: str) -> None:
    with pytest.raises(InvalidTransition):
        check_order_transition("id", over, wanted)


def test_an_unknown_order_may_turn_out_to_be_anything_but_an_intent() -> None:
    for wanted in set(OrderStatus.values) - {"intent", "unknown", "withheld"}:
        check_order_transition("id", "unknown", wanted)
    with pytest.raises(InvalidTransition):
        check_order_transition("id", "unknown", "intent")


def test_only_a_sent_order_may_go_back_to_being_an_intent() -> None:
    for present in set(OrderStatus.values) - {"intent", "sent"}:
        with pytest.raises(InvalidTransition):
            check_order_transition("id", present, "intent")
    check_order_transition("id", "sent", "intent")
