"""What can go wrong between a bot and an exchange, on purpose and by seed.

``rules`` says what a fault is, ``script`` reads them from text, ``plan`` decides which request meets which fault,
``injector`` does it to requests; sockets, market data and the trading floor ask the plan themselves.
"""
