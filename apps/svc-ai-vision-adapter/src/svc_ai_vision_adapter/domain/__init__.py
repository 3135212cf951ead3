"""Pure recognition: words in, aggregate out. Nothing here reads a file, a socket or a clock."""
