"""Creating, changing and controlling bots over the API."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bots.lifecycle import BotStatus
from bots.models import Bot, Event, JournalEntry, Position, Trade
from tests.api.market import QuietMarket
from tests.bots import cast


def wanted(**changes: object) -> dict[str, object]:
    cast.account()
    return {
        "name": "eth-grid",
        "account": "practice",
        "symbol": "ETH/USDT:USDT",
        "strategy": "grid",
        "config": cast.grid_config(),
        **changes,
    }


def test_a_bot_is_created_stopped_and_read_back(api: APIClient) -> None:
    created = api.post("/api/v1/bots/", wanted(tick_interval=2), format="json")
    assert created.status_code == 201, created.json()
    body = created.json()
    assert body["name"] == "eth-grid"
    assert body["status"] == "stopped"
    assert body["mode"] == "demo"
    assert body["account"] == "practice"
    assert body["owner"] == "alice"
    assert body["tick_interval"] == 2
    assert body["config"]["lower"] == "1800"
    assert body["position"] == {"amount": "0", "cost": "0", "fees": "0", "average_price": "0"}
    assert body["realised_pnl"] == "0"
    assert api.get("/api/v1/bots/eth-grid/").json() == body
    assert Event.objects.get().message == "Created by alice."


def test_the_only_account_that_fits_the_mode_need_not_be_named(api: APIClient) -> None:
    body = wanted()
    del body["account"]
    cast.account("real", environment="live", base_url="")
    assert api.post("/api/v1/bots/", body, format="json").json()["account"] == "practice"


def test_among_several_accounts_one_has_to_be_named(api: APIClient) -> None:
    body = wanted()
    del body["account"]
    cast.account("second")
    answer = api.post("/api/v1/bots/", body, format="json")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"]) == ("account", "account is missing: name one of: practice, second.")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"config": cast.grid_config(lower="2200", upper="1800")}, "config.upper", "upper must be above lower"),
        ({"config": cast.grid_config(grids=0)}, "config.grids", "grids"),
        ({"config": cast.grid_config(colour="blue")}, "config.colour", "colour"),
        ({"strategy": "astrology"}, "strategy", "astrology"),
        ({"account": "nobody"}, "account", "There is no exchange account named nobody."),
        ({"mode": "yolo"}, "mode", "yolo"),
        ({"name": "preview"}, "name", "is not 'preview'"),
        ({"config": ["lower"]}, "config", "dictionary"),
    ],
)
def test_what_cannot_work_is_refused_with_the_field_that_is_wrong(
    api: APIClient, changes: dict[str, object], field: str, words: str
) -> None:
    answer = api.post("/api/v1/bots/", wanted(**changes), format="json")
    assert answer.status_code == 400
    (error,) = [error for error in answer.json()["errors"] if error["field"] == field]
    assert words in error["message"]
    assert not Bot.objects.exists()


def test_a_name_that_is_taken_is_refused(api: APIClient) -> None:
    cast.bot("eth-grid")
    answer = api.post("/api/v1/bots/", wanted(), format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "name"


def test_a_live_bot_is_refused_on_a_practice_account(api: APIClient) -> None:
    answer = api.post("/api/v1/bots/", wanted(mode="live"), format="json")
    assert answer.status_code == 403
    assert "practice is of environment simulator" in answer.json()["detail"]


def test_some_settings_are_changed_and_the_rest_stays(api: APIClient) -> None:
    api.post("/api/v1/bots/", wanted(), format="json")
    changed = api.patch("/api/v1/bots/eth-grid/", {"config": cast.grid_config(grids=8)}, format="json")
    assert changed.status_code == 200
    assert changed.json()["config"]["grids"] == 8
    assert changed.json()["symbol"] == "ETH/USDT:USDT"
    assert changed.json()["tick_interval"] == 1


def test_a_bot_may_be_renamed_and_answers_under_its_new_name(api: APIClient) -> None:
    cast.bot("eth-grid")
    assert api.patch("/api/v1/bots/eth-grid/", {"name": "ether"}, format="json").json()["name"] == "ether"
    assert api.get("/api/v1/bots/eth-grid/").status_code == 404


def test_a_running_bot_is_neither_changed_nor_deleted(api: APIClient) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    changed = api.patch("/api/v1/bots/eth-grid/", {"tick_interval": 5}, format="json")
    deleted = api.delete("/api/v1/bots/eth-grid/")
    for answer in (changed, deleted):
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:traderagent:problem:not-editable"
        assert "stop it" in answer.json()["detail"]


def test_a_bot_that_never_traded_is_deleted(api: APIClient) -> None:
    cast.bot("eth-grid")
    assert api.delete("/api/v1/bots/eth-grid/").status_code == 204
    assert not Bot.objects.exists()


def test_the_life_of_a_bot(api: APIClient, market: QuietMarket) -> None:
    api.post("/api/v1/bots/", wanted(), format="json")
    assert api.post("/api/v1/bots/eth-grid/start/").json()["status"] == "starting"
    Bot.objects.update(status=BotStatus.RUNNING)
    assert api.post("/api/v1/bots/eth-grid/pause/").json()["status"] == "paused"
    assert api.post("/api/v1/bots/eth-grid/resume/").json()["status"] == "running"
    stopping = api.post("/api/v1/bots/eth-grid/stop/", {"close_position": True, "reason": "holiday"}, format="json")
    assert (stopping.json()["status"], stopping.json()["status_reason"]) == ("stopping", "holiday")
    assert Bot.objects.get().close_position_on_stop is True


def test_an_emergency_stop_carries_its_reason(api: APIClient) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    answer = api.post("/api/v1/bots/eth-grid/emergency-stop/", {"reason": "Depeg."}, format="json")
    assert answer.json()["status"] == "emergency"
    assert "Depeg." in answer.json()["status_reason"]
    assert "alice" in answer.json()["status_reason"]


@pytest.mark.parametrize("command", ["stop", "pause", "resume", "emergency-stop"])
def test_what_a_stopped_bot_cannot_do_is_refused_by_name(api: APIClient, command: str) -> None:
    cast.bot("eth-grid")
    answer = api.post(f"/api/v1/bots/eth-grid/{command}/")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:traderagent:problem:invalid-transition"
    assert "Bot eth-grid is stopped" in answer.json()["detail"]


def test_a_start_on_an_unknown_symbol_is_refused_with_the_field(api: APIClient, market: QuietMarket) -> None:
    cast.bot("eth-grid", symbol="DOGE/MOON")
    answer = api.post("/api/v1/bots/eth-grid/start/")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "symbol"
    assert answer.json()["errors"][0]["value"] == "DOGE/MOON"


def test_a_start_on_a_dead_exchange_says_so(api: APIClient) -> None:
    """Nothing listens on the cast's port 9."""
    cast.bot("eth-grid")
    answer = api.post("/api/v1/bots/eth-grid/start/")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:traderagent:problem:exchange-unavailable"
    assert "practice" in answer.json()["detail"]
    assert Bot.objects.get().status == BotStatus.STOPPED


def test_a_preview_shows_the_levels_of_a_grid(api: APIClient, market: QuietMarket) -> None:
    answer = api.post("/api/v1/bots/preview/", {k: v for k, v in wanted().items() if k != "name"}, format="json")
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert body["price"] == "2000"
    assert body["problems"] == []
    # Five lines at 1800, 1900 … 2200; at 2,000 the two intervals below wait to buy, the two above to sell.
    resting = {(level["price"], level["side"]) for level in body["levels"] if level["side"] in ("buy", "sell")}
    assert {("1800", "buy"), ("1900", "buy"), ("2100", "sell"), ("2200", "sell")} <= resting


def test_a_preview_of_a_bad_configuration_tells_the_price_and_the_problems(api: APIClient, market: QuietMarket) -> None:
    plan = {k: v for k, v in wanted(config=cast.grid_config(grids=0)).items() if k != "name"}
    body = api.post("/api/v1/bots/preview/", plan, format="json").json()
    assert body["price"] == "2000"
    assert body["levels"] == []
    assert body["problems"][0]["field"] == "config.grids"


def test_money_is_written_plainly(api: APIClient) -> None:
    bot = cast.bot("shib")
    Position.objects.create(
        bot=bot,
        account=bot.account,
        symbol=bot.symbol,
        amount="1500000.000000000000000000",
        cost="12.345",
        realised_pnl="0.000000823",
        fees_quote="10",
        updated_at=cast.NOW,
    )
    body = api.get("/api/v1/bots/shib/").json()
    # 12.345 / 1,500,000
    assert body["position"] == {"amount": "1500000", "cost": "12.345", "fees": "10", "average_price": "0.00000823"}
    assert body["realised_pnl"] == "0.000000823"
    assert api.get("/api/v1/bots/").json()["results"] == [body]


def test_what_a_bot_leaves_behind_is_listed(api: APIClient) -> None:
    bot, other = cast.bot("eth-grid"), cast.bot("other")
    order = cast.order(bot, "buy", "0.5", "1900", slot="grid:1:buy", trade="grid:1")
    cast.fill(order, price="1900", amount="0.5", fee="0.19")
    cast.order(other, "buy", "1", "1800")
    Trade.objects.create(
        bot=bot,
        account=bot.account,
        symbol=bot.symbol,
        run=1,
        key="grid:1",
        ordinal=1,
        direction="long",
        amount="0.5",
        opened_at=cast.NOW,
    )
    Event.objects.create(bot=bot, order=order, kind="order_placed", message="Placed.", created_at=cast.NOW)
    JournalEntry.objects.create(
        bot=bot,
        order=order,
        action="place",
        code="grid_buy",
        sentence="Buys at line 1.",
        numbers={"line": 1},
        requested_by="strategy grid",
        price="1950",
        created_at=cast.NOW,
    )

    def only(what: str) -> dict[str, object]:
        page = api.get(f"/api/v1/bots/eth-grid/{what}/").json()
        assert (page["count"], page["next"], page["previous"]) == (1, None, None)
        row: dict[str, object] = page["results"][0]
        return row

    found = only("orders")
    assert (found["slot"], found["price"], found["amount"], found["status"]) == ("grid:1:buy", "1900", "0.5", "open")
    assert found["client_order_id"] == order.client_order_id
    assert only("fills")["fee"] == "0.19"
    assert only("fills")["client_order_id"] == order.client_order_id
    assert (only("trades")["key"], only("trades")["closed_at"]) == ("grid:1", None)
    assert only("events")["message"] == "Placed."
    assert (only("journal")["sentence"], only("journal")["price"]) == ("Buys at line 1.", "1950")
    assert api.get("/api/v1/orders/").json()["count"] == 2
    assert api.get("/api/v1/bots/nobody/fills/").status_code == 404


def test_a_signal_from_outside_is_taken_once(api: APIClient) -> None:
    config = {"base_order_size": "100", "safety_orders": 0, "take_profit": "1", "start_on_signal": True}
    cast.bot("eth-dca", strategy="dca", config=config, status=BotStatus.RUNNING, started_at=cast.NOW)
    body = {"direction": "long", "source": "tradingview", "delivery_id": "7"}
    first, again = (api.post("/api/v1/bots/eth-dca/signals/", body, format="json") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json() == {"bot": "eth-dca", **body, "received_at": first.json()["received_at"]}
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"direction": "up"}, "direction"), ({"delivery_id": ""}, "delivery_id"), ({"source": "x" * 65}, "source")],
)
def test_a_signal_that_makes_no_sense_is_refused_by_field(
    api: APIClient, changes: dict[str, object], field: str
) -> None:
    cast.bot("eth-dca", strategy="dca", status=BotStatus.RUNNING)
    body = {"direction": "long", "source": "tradingview", "delivery_id": "7", **changes}
    answer = api.post("/api/v1/bots/eth-dca/signals/", body, format="json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_bot_that_does_not_listen_takes_no_signal(api: APIClient) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    body = {"direction": "long", "source": "tradingview", "delivery_id": "7"}
    answer = api.post("/api/v1/bots/eth-grid/signals/", body, format="json")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:traderagent:problem:signal-refused"
    assert APIClient().post("/api/v1/bots/eth-grid/signals/", body, format="json").status_code == 401
