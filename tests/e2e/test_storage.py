"""The storage host: what is signed for it comes through, and nothing else."""

import contextlib
import time
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client_console import graphql
from client_console.pictures import checksum
from tests.support.platform import EXAMPLES, Account, Platform, Upload

PICTURE = (EXAMPLES / "volvo-ec220e.jpg").read_bytes()
JPEG = "image/jpeg"
REFUSED = {401, 403}


@pytest.fixture
def upload(platform: Platform, alice: Account) -> Upload:
    return platform.start_upload(alice.token(), "picture.jpg", JPEG)


@pytest.fixture(scope="module")
def credentials(platform: Platform) -> Credentials:
    """The ingestion service's own: what they sign in a header must not come through either."""
    return Credentials("tu-ingestion-service", platform.secret("object-storage-ingestion"))


def unsigned(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query=""))


def test_a_signed_put_comes_through(platform: Platform, upload: Upload) -> None:
    assert platform.put(upload.put_url, PICTURE, JPEG).status_code == 200


def test_the_permission_lasts_five_minutes(upload: Upload) -> None:
    assert parse_qs(urlsplit(upload.put_url).query)["X-Amz-Expires"] == ["300"]


def test_unsigned_requests_are_refused(platform: Platform, upload: Upload) -> None:
    platform.put(upload.put_url, PICTURE, JPEG)
    url = unsigned(upload.put_url)
    assert platform.put(url, PICTURE, JPEG).status_code in REFUSED
    for method in ("GET", "HEAD", "DELETE", "POST"):
        assert platform.request(method, url).status_code in REFUSED | {405}, method


def test_the_bucket_is_not_listed(platform: Platform, upload: Upload) -> None:
    parts = urlsplit(upload.put_url)
    bucket = parts.path.split("/")[1]
    for path in ("/", f"/{bucket}", f"/{bucket}/", f"/{bucket}/?list-type=2"):
        answer = platform.request("GET", f"{parts.scheme}://{parts.netloc}{path}")
        assert answer.status_code in REFUSED | {404}, (path, answer.text)


def test_a_signature_in_a_header_is_refused(
    platform: Platform, upload: Upload, credentials: Credentials
) -> None:
    platform.put(upload.put_url, PICTURE, JPEG)
    url = unsigned(upload.put_url)
    for method, content in (("GET", b""), ("PUT", PICTURE)):
        request = AWSRequest(method, url, data=content, headers={"Content-Type": JPEG})
        S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
        answer = platform.request(method, url, content=content, headers=dict(request.headers))
        assert answer.status_code in REFUSED, (method, answer.text)


def test_a_token_is_no_permission(platform: Platform, alice: Account, upload: Upload) -> None:
    url = unsigned(upload.put_url)
    authorization = {"Authorization": f"Bearer {alice.token()}"}
    assert platform.put(url, PICTURE, JPEG, **authorization).status_code in REFUSED


def test_another_key_is_refused(platform: Platform, upload: Upload) -> None:
    other = upload.key[:-5] + ("0" if upload.key[-5] != "0" else "1") + upload.key[-4:]
    url = upload.put_url.replace(upload.key, other)
    assert url != upload.put_url
    assert platform.put(url, PICTURE, JPEG).status_code in REFUSED


def test_another_content_type_is_refused(platform: Platform, upload: Upload) -> None:
    assert platform.put(upload.put_url, PICTURE, "text/html").status_code in REFUSED


def test_another_method_is_refused(platform: Platform, upload: Upload) -> None:
    platform.put(upload.put_url, PICTURE, JPEG)
    for method in ("GET", "DELETE"):
        assert platform.request(method, upload.put_url).status_code in REFUSED, method


def test_a_longer_life_is_refused(platform: Platform, upload: Upload) -> None:
    parts = urlsplit(upload.put_url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    query["X-Amz-Expires"] = "86400"
    url = urlunsplit(parts._replace(query=urlencode(query)))
    assert platform.put(url, PICTURE, JPEG).status_code in REFUSED


def test_an_expired_permission_is_refused(
    platform: Platform, upload: Upload, credentials: Credentials
) -> None:
    url = unsigned(upload.put_url)
    request = AWSRequest("PUT", url, headers={"Content-Type": JPEG})
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=10).add_auth(request)
    signed = str(request.url)
    # It is only refused for its age if it was right before.
    assert platform.put(signed, PICTURE, JPEG).status_code == 200
    give_up = time.monotonic() + 60
    while (answer := platform.put(signed, PICTURE, JPEG)).status_code == 200:
        assert time.monotonic() < give_up, "still allowed long after its ten seconds"
        time.sleep(1)
    assert answer.status_code in REFUSED


def test_a_picture_above_the_limit_is_refused(
    platform: Platform, alice: Account, upload: Upload
) -> None:
    too_large = bytes(platform.config.max_upload_bytes + 1)
    # The door answers before it has read all, and closes: the sender may see only the latter.
    with contextlib.suppress(httpx.TransportError):
        assert platform.put(upload.put_url, too_large, JPEG).status_code == 413
    answer = platform.ask(
        alice.token(),
        graphql.CONFIRM_UPLOAD,
        uploadId=upload.upload_id,
        bytes=len(too_large),
        checksum=checksum(too_large),
    )
    assert answer.json()["errors"], answer.text
