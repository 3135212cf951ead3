"""Turns what happened to pictures into analyses that start and complete."""
