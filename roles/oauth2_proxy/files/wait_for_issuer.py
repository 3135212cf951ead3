"""Ends when the issuer answers under its name; says why it does not, once for each reason."""

import http.client
import json
import os
import ssl
import sys
import time
import urllib.request

ISSUER = os.environ["ISSUER"]
SECONDS = float(os.environ.get("SECONDS_BETWEEN", "1"))


def reason(context: ssl.SSLContext) -> str:
    """Why the issuer cannot be used yet; empty when it can."""
    address = ISSUER.rstrip("/") + "/.well-known/openid-configuration"
    try:
        with urllib.request.urlopen(address, timeout=5, context=context) as answer:  # noqa: S310
            found = json.load(answer)["issuer"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return f"{address}: {error!r}"
    return "" if found == ISSUER else f"{address} is that of another issuer: {found}"


def main() -> None:
    # The public CAs and the platform's own, as oauth2-proxy itself has them.
    context = ssl.create_default_context()
    if ca := os.environ.get("CA_FILE"):
        context.load_verify_locations(ca)
    said = ""
    while why := reason(context):
        if why != said:
            print(f"waiting: {why}", file=sys.stderr, flush=True)
            said = why
        time.sleep(SECONDS)


main()
