"""`python -m scaffold svc-thing`, which `make new-service NAME=svc-thing` calls."""

import sys
from pathlib import Path

from scaffold.service import RefusedError, make


def main() -> int:
    """Make the service in the checkout that this lies in."""
    root = Path(__file__).resolve().parents[1]
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        made = make(name, root)
    except RefusedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(*made, sep="\n")
    role = name.replace("-", "_")
    print(
        f"\n{name} hears of every uploaded picture. What it does is in "
        f"apps/{name}/src/{role}/events.py,\nwhat it may reach in roles/{role}/vars/main.yml. "
        "Now: make test-fast, then make up."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
