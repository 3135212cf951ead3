import pytest

from tu_common import settings
from tu_common.settings import (
    CorrelationSettings,
    KafkaSettings,
    OidcSettings,
    RabbitSettings,
    S3Settings,
    ServiceSettings,
    SettingsError,
)

RABBIT = {"RABBITMQ_HOST": "h", "RABBITMQ_USER": "u", "RABBITMQ_PASSWORD": "hidden"}
ALL = [
    CorrelationSettings,
    KafkaSettings,
    OidcSettings,
    RabbitSettings,
    S3Settings,
    ServiceSettings,
]


class Both(ServiceSettings, RabbitSettings):
    pass


def test_a_missing_setting_is_named_with_an_example() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(RabbitSettings, {**RABBIT, "RABBITMQ_HOST": ""})
    assert "RABBITMQ_HOST" in str(caught.value)
    with pytest.raises(SettingsError) as caught:
        settings.load(RabbitSettings, {k: v for k, v in RABBIT.items() if k != "RABBITMQ_HOST"})
    assert str(caught.value) == (
        "RABBITMQ_HOST (Host name of RabbitMQ) is not set, "
        "for example rabbitmq.messaging.svc.cluster.local"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PORT", "http"), ("HTTP_PORT", "0"), ("LOG_LEVEL", "LOUD"), ("RABBITMQ_PORT", "99999")],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} .* is wrong: .*, for example"):
        settings.load(Both, {**RABBIT, name: value})


def test_secrets_are_masked() -> None:
    shown = settings.describe(settings.load(Both, RABBIT))
    assert shown["RABBITMQ_PASSWORD"] == "***"
    assert shown["RABBITMQ_HOST"] == "h"
    assert "hidden" not in repr(settings.load(Both, RABBIT))


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(CorrelationSettings, {"CORRELATION_KEY": "too-short"})
    assert "too-short" not in str(caught.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in RABBIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EXCHANGE_ANALYSIS_STARTED", "other")
    loaded = settings.load(Both)
    assert loaded.rabbitmq_host == "h"
    assert loaded.exchange_analysis_started == "other"
    assert loaded.exchange_analysis_completed == "analysis.completed"


def test_a_wrong_environment_stops_with_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_PORT", "x")
    with pytest.raises(SystemExit) as caught:
        settings.load_or_exit(ServiceSettings)
    assert caught.value.code == settings.EXIT_CONFIG
    assert capsys.readouterr().err.startswith("error: HTTP_PORT")


@pytest.mark.parametrize("servers", ["kafka", "kafka:x", ":9092", "a:1,,b:2"])
def test_kafka_servers_are_host_and_port(servers: str) -> None:
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        settings.load(KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": servers})


def test_sasl_needs_user_and_password() -> None:
    sasl = {"KAFKA_BOOTSTRAP_SERVERS": "k:1", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
    with pytest.raises(SettingsError, match="KAFKA_SASL_PASSWORD"):
        settings.load(KafkaSettings, sasl)
    complete = {**sasl, "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "p"}
    assert settings.load(KafkaSettings, complete).kafka_sasl_username == "u"


@pytest.mark.parametrize("group", ALL)
def test_every_setting_has_documentation_and_an_example(group: type[ServiceSettings]) -> None:
    for name, field in group.model_fields.items():
        assert field.description, name
        assert field.examples, name
