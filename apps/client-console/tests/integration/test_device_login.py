"""The login against a real Keycloak, approved by its own pages."""

import asyncio
import base64
import json
import stat
from pathlib import Path

import pytest

from tests.support.brokers.keycloak import Keycloak
from tests.support.device_login import CLIENT, ApprovalError, client_environment, login


@pytest.fixture
def config(keycloak: Keycloak, tmp_path: Path) -> Path:
    file = tmp_path / "client.json"
    values = {
        "endpoint": "http://127.0.0.1:9/graphql",
        "issuer": keycloak.issuer,
        "client_id": "tests-device",
        "scope": "openid",
    }
    file.write_text(json.dumps(values))
    return file


def test_a_device_login_gives_a_token_of_the_user(keycloak: Keycloak, config: Path) -> None:
    asyncio.run(login(config, "alice", keycloak.password))
    file = config.with_name("token.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tokens = json.loads(file.read_text())
    payload = tokens["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["preferred_username"] == "alice"
    assert claims["aud"] == keycloak.audience
    assert claims["scp"] == keycloak.scope


def test_the_token_is_refreshed(keycloak: Keycloak, config: Path) -> None:
    asyncio.run(login(config, "bob", keycloak.password))
    file = config.with_name("token.json")
    first = json.loads(file.read_text())
    file.write_text(json.dumps(first | {"expires_at": 0}))

    async def token() -> str:
        process = await asyncio.create_subprocess_exec(
            *CLIENT,
            *("--config", str(config), "token"),
            stdout=asyncio.subprocess.PIPE,
            env=client_environment(),
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode().strip()

    assert asyncio.run(token()) not in ("", first["access_token"])


def test_a_wrong_password_is_said(keycloak: Keycloak, config: Path) -> None:
    with pytest.raises(ApprovalError, match="Invalid username or password"):
        asyncio.run(login(config, "alice", "wrong"))
