"""Recognises the machine on an uploaded picture and announces what it saw."""

__version__ = "0.1.0"
