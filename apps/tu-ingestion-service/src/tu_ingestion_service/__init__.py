"""Takes pictures in: signed uploads, their check, and the announcement that they are there."""

__version__ = "0.1.0"
