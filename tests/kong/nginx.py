"""A real nginx with the files that Kong's nginx includes, set up as Kong's template sets it up.

Kong's own is OpenResty, in a container image only; what is included uses nginx's core alone.
"""

from __future__ import annotations

import getpass
import http.client
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.backend import Backend, Seen
from tests.support.door import HOSTS, Rendered

# As kong/templates/nginx.lua and nginx_kong.lua have it: where the error logs stand, that the
# injected directives come before the server (http), at its end (proxy) and into the location.
_CONFIGURATION = """
pid nginx.pid;
user {user};
daemon off;
worker_processes 1;
error_log {proxy_error_log} {log_level};
error_log {nginx_main_error_log};
events {{ worker_connections 64; }}
http {{
    error_log {proxy_error_log} {log_level};
    underscores_in_headers on;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size {nginx_http_client_max_body_size};
    client_body_buffer_size 8k;
    error_log {nginx_http_error_log};
    include {nginx_http_include};
    uninitialized_variable_warn off;
    server {{
        server_name kong;
        listen 0.0.0.0:{port} ssl http2;
        listen [::]:{port} ssl http2;
        error_page 400 404 405 408 411 412 413 414 417 /kong_error_handler;
        error_page 494 =494 /kong_error_handler;
        error_page 500 502 503 504 /kong_error_handler;
        access_log {proxy_access_log};
        error_log {proxy_error_log} {log_level};
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        include {nginx_proxy_include};
        location / {{
            proxy_http_version 1.1;
            include {nginx_location_include};
            proxy_set_header Host $host;
            proxy_pass_header Server;
            proxy_pass http://127.0.0.1:{backend};
        }}
        location = /kong_error_handler {{
            internal;
            default_type application/json;
            return 200 '{{"message":"refused"}}';
        }}
    }}
}}
"""


@dataclass
class Nginx:
    """A running one; ``seen`` is what came through it."""

    port: int
    folder: Path
    certificate: Path
    seen: list[Seen]

    @property
    def access_log(self) -> str:
        return (self.folder / "stdout").read_text(encoding="utf-8")

    @property
    def error_log(self) -> str:
        return (self.folder / "stderr").read_text(encoding="utf-8")

    def connect(self, sni: str | None = HOSTS[0]) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = sni is not None
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return context.wrap_socket(raw, server_hostname=sni)

    def ask(
        self, target: str, *headers: str, method: str = "GET", body: bytes = b"", close: bool = True
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """One request as it stands; status, headers and body of the answer."""
        last = ["Connection: close"] if close else []
        if body:
            last.append(f"Content-Length: {len(body)}")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {HOSTS[0]}", *headers, *last, "", ""]
        with self.connect() as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1") + body)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return answer.status, answer.getheaders(), answer.read()


def program(folder: Path) -> Path:
    """nginx of this machine, or Debian's, unpacked and not installed."""
    found = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
    if found:
        return Path(found)
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("there is no nginx here, and no apt-get to fetch Debian's")
    fetched = subprocess.run(
        ["apt-get", "-o", "APT::Sandbox::User=root", "download", "nginx"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    for package in folder.glob("nginx_*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "unpacked"], check=True)
        return folder / "unpacked" / "usr" / "sbin" / "nginx"
    pytest.skip(f"there is no nginx here, and Debian's cannot be fetched: {fetched.stderr[-300:]}")


@contextmanager
def running(
    binary: Path, folder: Path, port: int, rendered: Rendered, backend: Backend
) -> Iterator[Nginx]:
    """nginx on ``port`` with the files for Kong in front of ``backend``."""
    for name, text in rendered.files["kong"].items():
        (folder / name).write_text(text, encoding="utf-8")
    nginx = Nginx(port, folder, folder / "certificate.pem", backend.seen)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "key.pem", "-out", nginx.certificate, "-subj", "/CN=door"),
            *("-addext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS)),
        ],
        check=True,
        capture_output=True,
    )

    env: dict[str, str] = rendered.kong["env"]
    mounted = rendered.kong["extraConfigMaps"][0]["mountPath"]
    here = {
        name: value.replace(mounted, str(folder))
        .replace("/dev/stdout", str(folder / "stdout"))
        .replace("/dev/stderr", str(folder / "stderr"))
        for name, value in env.items()
    }
    (folder / "nginx.conf").write_text(
        _CONFIGURATION.format(**here, port=port, backend=backend.port, user=getpass.getuser()),
        encoding="utf-8",
    )
    (folder / "stdout").touch()
    command = [binary, "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
    with (folder / "said").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                nginx.connect().close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    log = (folder / "said").read_text() + nginx.error_log
                    pytest.fail(f"nginx does not take these files:\n{log}")
                time.sleep(0.05)
        yield nginx
    finally:
        process.terminate()
        process.wait(30)
