"""Helpers for tests: the contract that every broker's adapter meets, and fakes."""
