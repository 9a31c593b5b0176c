"""The hybrid: grid, DCA and trend follower behind one strategy, chosen by the market's regime."""
