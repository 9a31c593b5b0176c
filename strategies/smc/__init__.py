"""Smart Money Concepts: structure on four timeframes, confluence zones, and an entry pattern inside one."""
