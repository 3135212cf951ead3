"""The bucket and its owner are made or mended by signed requests; no secret is in an argument."""

from __future__ import annotations

import http.server
import importlib.util
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "roles/object_storage/files/setup.py"
spec = importlib.util.spec_from_file_location("object_storage_setup", SCRIPT)
assert spec and spec.loader
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)

OWNER_SECRET = "half <of> it & more"


@dataclass
class Server:
    """The administrator's API: answers by path, and what was asked, path first."""

    url: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT.read_text(encoding="utf-8")],
            env=os.environ
            | {
                "ENDPOINT": self.url,
                "REGION": "us-east-1",
                "BUCKET": "tu-images",
                "OWNER_ACCESS_KEY": "an owner",
                "OWNER_SECRET_KEY": OWNER_SECRET,
                "ADMIN_ACCESS_KEY": "root",
                "ADMIN_SECRET_KEY": "root's own",
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found.asked.append((self.path, body))
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(found.answers.get(self.path, 200))
            self.end_headers()
            self.wfile.write(b"the reason")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever)
        thread.start()
        found.url = f"http://127.0.0.1:{http_server.server_port}"
        yield found
        http_server.shutdown()
        thread.join()


def test_a_request_is_signed_as_in_the_example_of_aws() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    headers = script.authorization(
        urllib.request.Request("https://examplebucket.s3.amazonaws.com/?lifecycle="),
        {
            "REGION": "us-east-1",
            "ADMIN_ACCESS_KEY": "AKIAIOSFODNN7EXAMPLE",
            "ADMIN_SECRET_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        },
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert headers["authorization"].endswith(
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )


def test_what_is_missing_is_made(server: Server) -> None:
    result = server.run()
    assert result.returncode == 0, result.stderr
    assert [path for path, _ in server.asked] == ["/create-user", "/tu-images/create"]
    assert server.asked[0][1] == (
        "<Account><Access>an owner</Access><Secret>half &lt;of&gt; it &amp; more</Secret>"
        "<Role>user</Role></Account>"
    )
    assert server.headers[1]["x-vgw-owner"] == "an owner"
    assert "x-vgw-owner" in server.headers[1]["authorization"]


def test_what_is_there_is_mended(server: Server) -> None:
    server.answers = {"/create-user": 409, "/tu-images/create": 409}
    result = server.run()
    assert result.returncode == 0, result.stderr
    assert server.asked[1::2] == [
        (
            "/update-user?access=an%20owner",
            "<MutableProps><Secret>half &lt;of&gt; it &amp; more</Secret></MutableProps>",
        ),
        ("/change-bucket-owner?bucket=tu-images&owner=an%20owner", ""),
    ]
    assert OWNER_SECRET not in result.stdout


def test_a_refusal_is_said_with_its_reason(server: Server) -> None:
    server.answers = {"/create-user": 403}
    result = server.run()
    assert result.returncode == 1
    assert result.stderr == "error: /create-user was answered with 403: the reason\n"
    assert len(server.asked) == 1
