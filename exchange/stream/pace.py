"""How fast everything in the price stream goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Written prices and hints are the newest of their interval; what came between is not missed by anyone.

    From a socket's death to the first polled price: ``silence``, up to one ``poll``, and the answer's own time.
    """

    refresh: float = 1.0  # between looks at what is wanted
    write: float = 0.1  # between writes to Redis, per market kind
    hint: float = 0.5  # between hints to browsers, per symbol
    silence: float = 3.0  # without news on the socket, until a symbol is polled
    poll: float = 1.0  # between polls of a silent socket's symbols; a quiet symbol on a live one waits ``silence``
    patience: float = 4.0  # with one poll
    tell: float = 10.0  # of silence, until it is told: a market may be quiet
    reconnect: float = 15.0  # of silence, until a socket is opened anew; doubled each time that does not help
    reconnect_most: float = 240.0
    retry: float = 5.0  # after an error
    clock: float = 600.0  # between measurements of the exchange's clock, by which a price is old or new
    heartbeat: float = 3.0
    heartbeat_expiry: float = 15.0
    # A ticker of one symbol is a small answer, the tickers of a market are hundreds of kilobytes.
    poll_singly: int = 5
