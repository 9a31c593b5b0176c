"""Trend following: enter with an established trend, lose little when it ends, stay while it goes on."""
