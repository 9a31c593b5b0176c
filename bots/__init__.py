"""Who does it: bots, their orders and fills, the tick, the ledger and the lifecycle."""
