"""Paper trading: orders are matched here, against the prices of a real market, and never leave this machine."""
