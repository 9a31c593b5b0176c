"""Dollar-cost averaging: a base order, safety orders below it, one take profit above their average."""
