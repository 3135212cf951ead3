"""Hears of every uploaded picture."""
