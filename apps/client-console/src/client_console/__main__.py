"""``python -m client_console``."""

from client_console.cli import main

main()
