import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tu_common.messages import BODIES, AnalysisStarted, ImageUploaded, RecognitionCompleted, schema
from tu_common.messaging import InvalidMessage

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(kind: str) -> list[Any]:
    return [
        pytest.param(name, vector, id=f"{name}: {vector['why']}")
        for name in BODIES
        for vector in json.loads((VECTORS / f"{name}.json").read_text("utf-8"))[kind]
    ]


@pytest.mark.parametrize(("name", "vector"), vectors("valid"))
def test_valid_vectors_are_read(name: str, vector: dict[str, Any]) -> None:
    validator = Draft202012Validator(schema(name))
    validator.validate(vector["body"])
    read = BODIES[name].read(json.dumps(vector["body"]))
    for path, expected in vector["reads"].items():
        value: Any = read
        for part in path.split("."):
            value = getattr(value, part)
        assert value == expected, path
    # What is written is of the same schema, and read again it is the same.
    validator.validate(read.plain())
    assert BODIES[name].read(read.to_bytes()) == read


@pytest.mark.parametrize(("name", "vector"), vectors("invalid"))
def test_invalid_vectors_are_refused(name: str, vector: dict[str, Any]) -> None:
    assert not Draft202012Validator(schema(name)).is_valid(vector["body"])
    with pytest.raises(InvalidMessage):
        BODIES[name].read(json.dumps(vector["body"]))


def test_every_schema_is_one() -> None:
    for name in BODIES:
        Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not-json"),
        (b"\xff\xfe\x00", "not-json"),
        (b"{", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"objectKey": "a", "x": NaN}', "not-json"),
        (b'{"objectKey": "a", "bytes": 1e999}', "invalid-body"),
        (b"12", "not-an-object"),
        (b'{"objectKey": {}}', "invalid-body"),
    ],
)
def test_rubbish_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        ImageUploaded.read(body)
    assert caught.value.reason == reason


def test_the_reason_names_the_field() -> None:
    with pytest.raises(InvalidMessage, match="objectKey"):
        AnalysisStarted.read(b"{}")


def test_unknown_fields_are_kept() -> None:
    read = RecognitionCompleted.read({"aggregate": {"brand": "JCB", "weight": 8070}, "x": [1]})
    assert read.plain()["aggregate"]["weight"] == 8070
    assert read.plain()["x"] == [1]


def test_aliases_come_out_under_one_name() -> None:
    plain = RecognitionCompleted.read({"aggregate": {"machineType": "Crane"}}).plain()
    assert plain["aggregate"]["type"] == "Crane"
    assert "machineType" not in plain["aggregate"]
