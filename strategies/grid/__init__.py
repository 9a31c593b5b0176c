"""Grid trading: buy a line lower, sell a line higher, over and over."""
