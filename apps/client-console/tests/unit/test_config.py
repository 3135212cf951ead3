import json
from pathlib import Path

import pytest

from client_console.config import VARIABLES, default_path, load
from client_console.errors import UsageError

VALUES = {
    "endpoint": "https://graphql.local/graphql",
    "issuer": "https://login.graphql.local/realms/trackunit",
    "client_id": "trackunit-client",
}


def write(folder: Path, **values: object) -> Path:
    file = folder / "client.json"
    file.write_text(json.dumps(VALUES | values))
    return file


def test_the_environment_takes_the_place_of_entries(tmp_path: Path) -> None:
    found = load(write(tmp_path, address="10.0.0.1"), {"TRACKUNIT_ADDRESS": "10.0.0.2"})
    assert found.address == "10.0.0.2"
    assert found.token_file == tmp_path / "token.json"
    assert found.websocket == "wss://graphql.local/graphql"


def test_without_a_file_the_environment_is_enough(tmp_path: Path) -> None:
    environ = {
        "TRACKUNIT_STATE_DIR": str(tmp_path / "nothing"),
        "TRACKUNIT_ENDPOINT": VALUES["endpoint"],
        "TRACKUNIT_ISSUER": VALUES["issuer"],
        "TRACKUNIT_CLIENT_ID": "mine",
    }
    assert load(None, environ).client_id == "mine"


def test_what_is_missing_is_named_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"client_id \(or TRACKUNIT_CLIENT_ID\)"):
        load(write(tmp_path, client_id=""), {})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"endpoint": "http://graphql.local/graphql"}, "endpoint is .* must be an https"),
        ({"issuer": "login"}, "issuer is .* must be an https"),
        ({"ca_file": "missing.crt"}, "missing.crt does not exist"),
        ({"max_upload_bytes": "many"}, "max_upload_bytes is 'many'"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, values: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(write(tmp_path, **values), {})


@pytest.mark.parametrize("named", [True, False])
def test_a_missing_file_is_called_missing_and_the_next_command_is_said(
    tmp_path: Path, named: bool
) -> None:
    file = tmp_path / "client.json"
    with pytest.raises(UsageError) as refusal:
        load(file if named else None, {"TRACKUNIT_STATE_DIR": str(tmp_path)})
    assert str(refusal.value).startswith(f"{file} is missing. `make up` writes it")
    assert "client-console --config FILE" in str(refusal.value)


@pytest.mark.parametrize("variable", VARIABLES.values())
def test_an_empty_variable_is_refused(tmp_path: Path, variable: str) -> None:
    with pytest.raises(UsageError, match=f"{variable} is empty.* unset {variable}"):
        load(write(tmp_path, address="10.0.0.1"), {variable: ""})


def test_hosts_behind_the_front_door(tmp_path: Path) -> None:
    found = load(write(tmp_path), {})
    assert found.behind_front_door("storage.graphql.local")
    assert not found.behind_front_door("login.microsoftonline.com")
    assert not found.behind_front_door("evilgraphql.local")


def test_the_default_path_is_that_of_the_platform_here() -> None:
    assert default_path({"XDG_STATE_HOME": "/s"}) == Path(
        "/s/trackunit-platform/trackunit/client.json"
    )
