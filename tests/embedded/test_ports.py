from __future__ import annotations

import socket

import pytest

from traderagent.embedded.home import StackError
from traderagent.embedded.ports import ReservedPort, web_port


def test_port_zero_takes_a_free_one() -> None:
    reserved = web_port({"PORT": "0"})
    assert 1024 <= reserved.port <= 65535
    reserved.release()


def test_a_reserved_port_is_given_to_nobody_else_until_it_is_released() -> None:
    reserved = ReservedPort()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", reserved.port))
    reserved.release()
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", reserved.port))


def test_a_taken_port_is_told_in_one_line_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StackError) as refused:
            web_port({"PORT": str(port)})
    message = str(refused.value)
    assert f"PORT={port} is taken" in message
    assert f"`PORT={port + 1} make demo`" in message
    assert "\n" not in message


@pytest.mark.parametrize("value", ["http", "-1", "65536", "80.5"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(StackError, match=f"PORT={value} is not a port"):
        web_port({"PORT": value})
