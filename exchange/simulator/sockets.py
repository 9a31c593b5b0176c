"""WebSockets: public tickers, klines, trades and books; private orders, executions, wallet and positions.

Every message is made once per topic and only when somebody listens.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from exchange.simulator import market_data
from exchange.simulator.auth import authenticate_socket
from exchange.simulator.connections import Connection
from exchange.simulator.engine import Engine
from exchange.simulator.errors import Refusal
from exchange.simulator.http import ENGINE
from exchange.simulator.instruments import EMPTY_CATEGORIES
from exchange.simulator.settlement import Changes
from exchange.simulator.wallet import describe_position, describe_wallet

PRIVATE_TOPICS = frozenset({"order", "execution", "wallet", "position", "stopOrder"})
PUBLIC_TOPICS = frozenset({"tickers", "kline", "publicTrade", "orderbook", "allLiquidation"})


class Hub:
    """Who listens to what."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._connections: set[Connection] = set()
        self._numbers = 0
        # What the klines stood at, so that a batch of points does not swallow a candle's closing message.
        self._told = engine.replay.point

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        # Pings are answered by hand: a fault can leave them without an answer.
        socket = web.WebSocketResponse(autoping=False, heartbeat=None)
        await socket.prepare(request)
        self._numbers += 1
        category = request.match_info.get("category", "")
        connection = Connection(request, socket, self._numbers, category, self.engine.faults)
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._hear(connection, message.data)
                elif message.type is WSMsgType.PING and connection.answers_pings():
                    await socket.pong(message.data)
        finally:
            self._connections.discard(connection)
            writer.cancel()
        return socket

    def listeners(self) -> dict[str, int]:
        """How many connections listen to each topic; public ones with their category before them."""
        counts: Counter[str] = Counter()
        for connection in self._connections:
            prefix = f"{connection.category}:" if connection.category else ""
            counts.update(prefix + topic for topic in connection.topics)
        return dict(counts)

    async def close(self) -> None:
        for connection in list(self._connections):
            await connection.socket.close(code=1001, message=b"simulator stops")

    def apply_faults(self) -> None:
        """Ends the connections that a fault ends now. Called at every move of the market and for new rules."""
        for connection in list(self._connections):
            if self.engine.faults.happens("disconnect", connection.address):
                connection.cut()

    # Requests

    def _hear(self, connection: Connection, text: str) -> None:
        answer = self._answer(connection, text)
        if answer["op"] in ("ping", "pong") and not connection.answers_pings():
            return
        connection.send(orjson.dumps(answer))

    def _answer(self, connection: Connection, text: str) -> dict[str, Any]:
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            return {"success": False, "ret_msg": "request is no JSON", "conn_id": connection.id, "op": ""}
        if not isinstance(request, dict):
            return {"success": False, "ret_msg": "request is no object", "conn_id": connection.id, "op": ""}
        op = request.get("op", "")
        arguments = request.get("args") or []
        identity = {"req_id": str(request["req_id"])} if "req_id" in request else {}
        if op == "ping":
            return self._pong(connection, identity)
        if op == "auth":
            return self._authenticate(connection, arguments) | identity
        if op not in ("subscribe", "unsubscribe"):
            error = f"error:handler not found,topic:{op}"
            return {"success": False, "ret_msg": error, "conn_id": connection.id, "op": op, **identity}
        problem = self._subscribe(connection, op, [str(argument) for argument in arguments])
        return {"success": not problem, "ret_msg": problem, "conn_id": connection.id, **identity, "op": op}

    def _pong(self, connection: Connection, identity: dict[str, str]) -> dict[str, Any]:
        if connection.category:
            return {"success": True, "ret_msg": "pong", "conn_id": connection.id, "op": "ping", **identity}
        return {"op": "pong", "args": [str(self.engine.server_ms())], "conn_id": connection.id, **identity}

    def _authenticate(self, connection: Connection, arguments: list[object]) -> dict[str, Any]:
        try:
            connection.account = authenticate_socket(self.engine.accounts, arguments, self.engine.server_ms())
        except Refusal as error:
            return self._auth_answer(connection, error.code, error.message)
        return self._auth_answer(connection, 0, "")

    def _auth_answer(self, connection: Connection, code: int, message: str) -> dict[str, Any]:
        """In both of Bybit's spellings: its private socket writes ``ret_msg``, its trading socket ``retMsg``."""
        return {
            "success": code == 0,
            "retCode": code,
            "retMsg": message,
            "ret_msg": message,
            "op": "auth",
            "conn_id": connection.id,
            "connId": connection.id,
        }

    def _subscribe(self, connection: Connection, op: str, topics: list[str]) -> str:
        """Returns what is wrong, or nothing; then all topics were taken."""
        if op == "unsubscribe":
            connection.topics.difference_update(topics)
            return ""
        for topic in topics:
            problem = self._problem(connection, topic)
            if problem:
                return problem
        new = [topic for topic in topics if topic not in connection.topics]
        connection.topics.update(new)
        for topic in new:
            if connection.category:
                message = self._public_message(connection.category, topic)
                if message is not None:
                    connection.tell(topic, message)
        return ""

    def _problem(self, connection: Connection, topic: str) -> str:
        name, *rest = topic.split(".")
        if not connection.category:
            if connection.account is None:
                return "Request not authorized"
            return "" if name in PRIVATE_TOPICS else f"Invalid topic: {topic}"
        known = self.engine.markets.get(connection.category, {})
        if name not in PUBLIC_TOPICS or not rest or rest[-1] not in known:
            return f"Invalid topic: {topic}"
        if name == "kline" and (len(rest) != 2 or rest[0] not in market_data.INTERVALS_MS):
            return f"Invalid topic: {topic}"
        if name == "orderbook" and (len(rest) != 2 or not rest[0].isdigit()):
            return f"Invalid topic: {topic}"
        return ""

    # Public

    def tell_prices(self) -> None:
        """Called after the market has moved, by one point or by many."""
        self.apply_faults()
        before, self._told = self._told, self.engine.replay.point
        listeners: dict[tuple[str, str], list[Connection]] = defaultdict(list)
        for connection in self._connections:
            for topic in connection.topics if connection.category else ():
                listeners[connection.category, topic].append(connection)
        for (category, topic), connections in listeners.items():
            for message in self._closed_klines(category, topic, before):
                _tell(connections, topic, message)
            latest = self._public_message(category, topic)
            if latest is not None:
                _tell(connections, topic, latest)

    def _public_message(self, category: str, topic: str) -> bytes | None:
        engine = self.engine
        name, *rest = topic.split(".")
        market = engine.markets[category][rest[-1]]
        if engine.is_closed(category, rest[-1]):
            return None
        now = engine.replay.time
        head = {"topic": topic, "type": "snapshot", "ts": now}
        if name == "tickers":
            data = market_data.ticker(engine, market)
            # Prices that stand still are told with the time at which they were right.
            return orjson.dumps({**head, "ts": int(data["time"]), "cs": engine.replay.point, "data": data})
        if name == "orderbook":
            return orjson.dumps({**head, "cts": now, "data": market_data.book(engine, market, int(rest[0]))})
        if name == "publicTrade":
            trade = market_data.last_trade(engine, market)
            data_list = [
                {
                    "T": now,
                    "s": trade["symbol"],
                    "S": trade["side"],
                    "v": trade["size"],
                    "p": trade["price"],
                    "L": "ZeroPlusTick",
                    "i": trade["execId"],
                    "BT": False,
                    "RPI": False,
                    "seq": engine.replay.point,
                }
            ]
            if category == "spot":
                # ccxt takes a trade with BT for a contract's.
                del data_list[0]["BT"]
            return orjson.dumps({**head, "data": data_list})
        if name == "kline":
            return self._kline(category, topic, engine.shown_point("klines", market))
        return None

    def _closed_klines(self, category: str, topic: str, before: int) -> list[bytes]:
        """The closing messages of the candles that ended within a batch, but for the one at its last point."""
        if not topic.startswith("kline."):
            return []
        interval = market_data.INTERVALS_MS[topic.split(".")[1]]
        replay = self.engine.replay
        candles = interval // replay.timeframe_ms
        messages = []
        offset = replay.start % interval // replay.timeframe_ms
        market = self.engine.markets[category][topic.rpartition(".")[2]]
        for point in range(before + 1, self.engine.shown_point("klines", market)):
            candle, phase = divmod(point, 4)
            if phase == 3 and (candle + 1 + offset) % max(candles, 1) == 0:
                message = self._kline(category, topic, point)
                if message is not None:
                    messages.append(message)
        return messages

    def _kline(self, category: str, topic: str, point: int) -> bytes | None:
        _, written, symbol = topic.split(".")
        interval = market_data.INTERVALS_MS[written]
        engine = self.engine
        try:
            found = engine.replay.tracks[symbol].klines(point, interval, None, None, 1)
        except ValueError:
            return None
        market = engine.markets[category][symbol]
        start, opened, high, low, close, volume, turnover = market_data.kline_row(engine, market, found[-1])
        now = engine.replay.time_of(point)
        end = int(start) + interval - 1
        data = {
            "start": int(start),
            "end": end,
            "interval": written,
            "open": opened,
            "close": close,
            "high": high,
            "low": low,
            "volume": volume,
            "turnover": turnover,
            "confirm": now >= end,
            "timestamp": now,
        }
        return orjson.dumps({"topic": topic, "data": [data], "ts": now, "type": "snapshot"})

    # Private

    def tell_changes(self, changes: Changes) -> None:
        """Called after every committed change."""
        listening: dict[str, list[Connection]] = defaultdict(list)
        for connection in self._connections:
            if connection.account is not None and connection.topics:
                listening[connection.account.api_key].append(connection)
        for api_key, connections in listening.items():
            self._tell_account(api_key, connections, changes)

    def _tell_account(self, api_key: str, connections: list[Connection], changes: Changes) -> None:
        engine = self.engine
        account = engine.accounts[api_key]
        executions = [orjson.Fragment(payload) for one, payload in changes.executions if one.order.account == api_key]
        orders = [
            {"category": order.category, "feeCurrency": "", **order.describe()}
            for order in changes.orders.values()
            if order.account == api_key
        ]
        positions = [
            {"category": "linear", **describe_position(engine, account.position(symbol), "entryPrice")}
            for owner, symbol in changes.positions
            if owner == api_key
        ]
        moved = any(owner == api_key for owner, _ in changes.coins)
        by_topic: dict[str, Any] = {"execution": executions, "order": orders, "position": positions}
        if moved and any("wallet" in connection.topics for connection in connections):
            by_topic["wallet"] = [describe_wallet(engine, account)]
        now = engine.server_ms()
        for topic, data in by_topic.items():
            readers = [connection for connection in connections if topic in connection.topics]
            if data and readers:
                message = {"id": f"{engine.replay.point}-{now}", "topic": topic, "creationTime": now, "data": data}
                _tell(readers, topic, orjson.dumps(message))


def _tell(connections: list[Connection], topic: str, message: bytes) -> None:
    for connection in connections:
        connection.tell(topic, message)


HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)


async def serve_socket(request: web.Request) -> web.StreamResponse:
    category = request.match_info.get("category", "")
    if category and category not in request.app[ENGINE].markets and category not in EMPTY_CATEGORIES:
        raise web.HTTPNotFound(text=f"no public socket for {category}")
    return await request.app[HUB].serve(request)
