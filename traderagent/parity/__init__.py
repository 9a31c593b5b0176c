"""The live stack and the back-test held against each other. See docs/backtesting/parity.md."""
