"""Where it happens: accounts, markets, prices and one port to every exchange."""
