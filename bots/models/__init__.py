from bots.models.bot import Bot, BotMode, Snapshot
from bots.models.ledger import EquityPoint, Position, Trade
from bots.models.order import Fill, Order
from bots.models.record import Event, EventKind, ExternalSignal, JournalEntry, Severity, Signal

__all__ = [
    "Bot",
    "BotMode",
    "EquityPoint",
    "Event",
    "EventKind",
    "ExternalSignal",
    "Fill",
    "JournalEntry",
    "Order",
    "Position",
    "Severity",
    "Signal",
    "Snapshot",
    "Trade",
]
