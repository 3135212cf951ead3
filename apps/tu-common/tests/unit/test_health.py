import json
import urllib.error
import urllib.request

import flask
import pytest

from tu_common.health import Health, HealthServer


def get(server: HealthServer, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def raises() -> bool:
    raise OSError("gone")


def test_ready_names_each_check() -> None:
    health = Health({"good": lambda: True, "bad": lambda: False, "broken": raises})
    ready, checks = health.ready()
    assert not ready
    assert checks == {"good": True, "bad": False, "broken": False}
    assert health.live() == (True, {})


def test_draining_is_not_ready_but_alive() -> None:
    health = Health({"good": lambda: True})
    assert health.ready()[0]
    health.drain()
    assert not health.ready()[0]
    assert health.live()[0]


def test_the_server_answers() -> None:
    health = Health({"good": lambda: True})
    server = health.serve(0)
    try:
        assert get(server, "/health/live")[0] == 200
        status, body = get(server, "/health/ready?verbose")
        assert (status, json.loads(body)["checks"]) == (200, {"good": True})
        health.drain()
        assert get(server, "/health/ready")[0] == 503
        assert b"python_info" in get(server, "/metrics")[1]
        assert get(server, "/else")[0] == 404
    finally:
        server.close()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_the_blueprint_answers(path: str) -> None:
    app = flask.Flask(__name__)
    app.register_blueprint(Health({"good": lambda: True}).blueprint())
    assert app.test_client().get(path).status_code == 200
