import pytest

from tu_common.settings import SettingsError, load
from tu_ingestion_service.settings import Settings

GOOD = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "S3_ENDPOINT": "http://object-storage:7070",
    "S3_PUBLIC_ENDPOINT": "https://storage.graphql.local",
    "S3_ACCESS_KEY": "ingestion",
    "S3_SECRET_KEY": "secret",
}


def test_the_least_that_must_be_set() -> None:
    assert load(Settings, GOOD).upload_max_bytes == 10 * 1024**2


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_setting_is_named(missing: str) -> None:
    rest = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(SettingsError, match=missing):
        load(Settings, rest)


@pytest.mark.parametrize(
    ("name", "value"),
    [("UPLOAD_MAX_BYTES", "lots"), ("HTTP_THREADS", "0"), ("S3_ENDPOINT", "object-storage")],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load(Settings, {**GOOD, name: value})
