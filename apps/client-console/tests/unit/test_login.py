import json
import stat
from pathlib import Path

from client_fake_platform import FakePlatform, Run

from client_console.errors import Exit


def test_login_shows_the_code_and_keeps_the_tokens(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    done = run("login")
    assert done.exit == Exit.OK
    assert "ABCD-EFGH" in done.out
    assert f"{platform.issuer}/device?user_code=ABCD-EFGH" in done.out
    assert stat.S_IMODE((tmp_path / "token.json").stat().st_mode) == 0o600
    assert run("ping").out == "pong\n"
    assert run("logout").exit == Exit.OK
    assert run("ping").exit == Exit.NOT_LOGGED_IN


def test_a_login_that_nobody_approves_says_so(platform: FakePlatform, run: Run) -> None:
    platform.pending_polls = 1_000_000
    done = run("login", "--timeout", "0.5")
    assert done.exit == Exit.NOT_LOGGED_IN
    assert "Waiting for you, 0.5 seconds at most" in done.out
    assert "Nobody approved the login in a browser within 0.5 seconds" in done.err
    assert "client-console login" in done.err


def test_a_login_host_that_does_not_answer_is_not_taken_for_somebody_who_waits(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    config = tmp_path / "client.json"
    values = json.loads(config.read_text()) | {"address": "127.0.0.1:1"}
    config.write_text(json.dumps(values))
    done = run("login", "--timeout", "0.5")
    assert done.exit == Exit.UNREACHABLE
    assert "Nobody approved" not in done.err


def test_every_host_is_dialled_at_the_address_under_its_own_name(
    platform: FakePlatform, run: Run
) -> None:
    run("login")
    run("ping")
    seen = {(host.partition(":")[0], name) for _, _, host, name in platform.requests}
    assert seen == {
        ("login.graphql.local", "login.graphql.local"),
        ("graphql.local", "graphql.local"),
    }


def test_an_expired_token_is_refreshed(platform: FakePlatform, run: Run, tmp_path: Path) -> None:
    platform.log_in(tmp_path, lifetime=-1)
    platform.valid_tokens.clear()
    assert run("ping").exit == Exit.OK


def test_a_token_that_is_not_taken_is_refreshed_once(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    platform.log_in(tmp_path)
    platform.valid_tokens.clear()
    assert run("ping").exit == Exit.OK
    assert sum(path == "/graphql" for path, _ in platform.authorizations) == 2


def test_a_session_that_ended_asks_for_a_login(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    platform.log_in(tmp_path, lifetime=-1)
    file = tmp_path / "token.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"refresh_token": "old"}))
    done = run("ping")
    assert done.exit == Exit.NOT_LOGGED_IN
    assert "Session not active" in done.err
    assert "client-console login" in done.err


def test_a_login_at_another_issuer_is_not_used(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    platform.log_in(tmp_path)
    file = tmp_path / "token.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"issuer": "https://other"}))
    assert run("token").exit == Exit.NOT_LOGGED_IN


def test_token_prints_what_the_platform_takes(
    platform: FakePlatform, run: Run, tmp_path: Path
) -> None:
    platform.log_in(tmp_path)
    assert run("token").out.strip() in platform.valid_tokens


def test_an_unknown_ca_is_not_trusted(
    platform: FakePlatform, run: Run, tmp_path: Path, monkeypatch: object
) -> None:
    config = tmp_path / "client.json"
    values = json.loads(config.read_text())
    del values["ca_file"]  # the system's CAs do not know the platform's
    config.write_text(json.dumps(values))
    platform.log_in(tmp_path)
    done = run("ping")
    assert done.exit == Exit.UNREACHABLE
    assert "not trusted" in done.err


def test_a_platform_that_is_down_is_said(platform: FakePlatform, run: Run, tmp_path: Path) -> None:
    platform.log_in(tmp_path)
    config = tmp_path / "client.json"
    values = json.loads(config.read_text()) | {"address": "127.0.0.1:1"}
    config.write_text(json.dumps(values))
    done = run("ping", "--timeout", "1")
    assert done.exit == Exit.UNREACHABLE
    assert "Is the platform up?" in done.err
