"""Makes the bucket and the account that owns it, and sets what is there to what it shall be.

The server's own tool takes an account's secret on its command line only, where others can read it;
here it goes from the environment into a signed request. Standard library only, because this runs in
the plain Python image. Settings: ENDPOINT, REGION, BUCKET, OWNER_ACCESS_KEY, OWNER_SECRET_KEY,
ADMIN_ACCESS_KEY, ADMIN_SECRET_KEY.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape

SECONDS_TO_ANSWER = 30


def authorization(
    request: urllib.request.Request, settings: Mapping[str, str], body_hash: str, now: datetime
) -> dict[str, str]:
    """The headers that sign ``request`` as the administrator (AWS Signature Version 4)."""
    url = urlsplit(request.full_url)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": url.netloc, "x-amz-content-sha256": body_hash, "x-amz-date": stamp}
    headers |= {name.lower(): value for name, value in request.header_items()}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join(
        [request.get_method(), url.path or "/", url.query, lines, names, body_hash]
    )
    scope = [day, settings["REGION"], "s3", "aws4_request"]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{settings['ADMIN_SECRET_KEY']}".encode()
    for part in [*scope, "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), digest])]:
        signature = hmac.new(key, part.encode(), hashlib.sha256)
        key = signature.digest()
    credential = "/".join([settings["ADMIN_ACCESS_KEY"], *scope])
    return {
        **headers,
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},"
        f"Signature={signature.hexdigest()}",
    }


def ask(
    settings: Mapping[str, str], path: str, body: str = "", headers: Mapping[str, str] | None = None
) -> bool:
    """Call the administrator's API; false where what is to be made is there already."""
    data = body.encode()
    request = urllib.request.Request(  # noqa: S310 - the address is the role's own
        settings["ENDPOINT"] + path, method="PATCH", headers=dict(headers or {})
    )
    digest = hashlib.sha256(data).hexdigest()
    request.headers = authorization(request, settings, digest, datetime.now(UTC))
    request.data = data
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.CONFLICT:
            return False
        said = error.read(300).decode(errors="replace")
        raise RuntimeError(f"{path} was answered with {error.code}: {said}") from None


def set_up(settings: Mapping[str, str]) -> list[str]:
    """What was done, in words."""
    owner, bucket = settings["OWNER_ACCESS_KEY"], settings["BUCKET"]
    secret = f"<Secret>{escape(settings['OWNER_SECRET_KEY'])}</Secret>"
    done = []
    account = f"<Account><Access>{escape(owner)}</Access>{secret}<Role>user</Role></Account>"
    if ask(settings, "/create-user", account):
        done.append(f"made the account {owner}")
    else:
        query = urlencode({"access": owner}, quote_via=quote)
        ask(settings, f"/update-user?{query}", f"<MutableProps>{secret}</MutableProps>")
        done.append(f"gave the account {owner} its secret")
    if ask(settings, f"/{bucket}/create", headers={"x-vgw-owner": owner}):
        done.append(f"made the bucket {bucket}")
    else:
        query = urlencode({"bucket": bucket, "owner": owner}, quote_via=quote)
        ask(settings, f"/change-bucket-owner?{query}")
        done.append(f"gave the bucket {bucket} to {owner}")
    return done


if __name__ == "__main__":
    try:
        print("\n".join(set_up(os.environ)))
    except (RuntimeError, OSError) as failure:
        sys.exit(f"error: {failure}")
