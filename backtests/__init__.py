"""What would have happened: strategies run over history with the exchange's own matching rules."""
