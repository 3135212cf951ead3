"""Settings from the environment: typed, documented, and checked before anything starts.

A service combines the groups it needs::

    class Settings(ServiceSettings, RabbitSettings, KafkaSettings):
        window: int = Field(256, ge=1, description="…", examples=["256"])

    settings = load(Settings)          # raises SettingsError: one sentence
    settings = load_or_exit(Settings)  # the same, printed to stderr, exit code 78
"""

import sys
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tu_common import topology

EXIT_CONFIG = 78

_TOPOLOGY = topology.load()


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and gives an example."""


class _Group(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True, validate_default=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # Only the environment: an .env file that happens to lie about must not configure a service.
        return (init_settings, env_settings)


class ServiceSettings(_Group):
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged", examples=["INFO"]
    )
    http_port: int = Field(
        8080,
        ge=1,
        le=65535,
        description="Port of the health, metrics and API endpoints",
        examples=["8080"],
    )


class ConsumerSettings(ServiceSettings):
    """Of a service that runs as ``tu_common.service.Service``."""

    drain_seconds: float = Field(
        30,
        gt=0,
        le=600,
        description="Seconds for work under way to end; the pod's grace period must be longer",
        examples=["30"],
    )


class RabbitSettings(_Group):
    rabbitmq_host: str = Field(
        min_length=1,
        description="Host name of RabbitMQ",
        examples=["rabbitmq.messaging.svc.cluster.local"],
    )
    rabbitmq_port: int = Field(
        5672, ge=1, le=65535, description="AMQP port of RabbitMQ", examples=["5672"]
    )
    rabbitmq_user: str = Field(
        min_length=1,
        description="RabbitMQ user of this service",
        examples=["svc-messaging-bridge"],
    )
    rabbitmq_password: SecretStr = Field(
        min_length=1, description="Password of that user", examples=["(from a Secret)"]
    )
    rabbitmq_vhost: str = Field(
        _TOPOLOGY.vhost, min_length=1, description="RabbitMQ virtual host", examples=["/"]
    )
    rabbitmq_heartbeat: int = Field(
        15, ge=5, le=300, description="Seconds between AMQP heartbeats", examples=["15"]
    )
    exchange_image_uploaded: str = Field(
        _TOPOLOGY.exchange("image_uploaded"),
        min_length=1,
        description="Exchange that announces a picture that was uploaded",
        examples=[_TOPOLOGY.exchange("image_uploaded")],
    )
    exchange_recognition_completed: str = Field(
        _TOPOLOGY.exchange("recognition_completed"),
        min_length=1,
        description="Exchange that announces a finished recognition",
        examples=[_TOPOLOGY.exchange("recognition_completed")],
    )
    exchange_analysis_started: str = Field(
        _TOPOLOGY.exchange("analysis_started"),
        min_length=1,
        description="Exchange that announces that an analysis began",
        examples=[_TOPOLOGY.exchange("analysis_started")],
    )
    exchange_analysis_completed: str = Field(
        _TOPOLOGY.exchange("analysis_completed"),
        min_length=1,
        description="Exchange that announces that an analysis ended",
        examples=[_TOPOLOGY.exchange("analysis_completed")],
    )
    exchange_analysis_commands: str = Field(
        _TOPOLOGY.exchange("analysis_commands"),
        min_length=1,
        description="Exchange that takes commands to analyse",
        examples=[_TOPOLOGY.exchange("analysis_commands")],
    )
    exchange_analysis_requests: str = Field(
        _TOPOLOGY.exchange("analysis_requests"),
        min_length=1,
        description="Exchange that takes requests for one kind of analysis",
        examples=[_TOPOLOGY.exchange("analysis_requests")],
    )


class KafkaSettings(_Group):
    kafka_bootstrap_servers: str = Field(
        min_length=1,
        description="Kafka brokers to start from, host:port, comma between",
        examples=["kafka.messaging.svc.cluster.local:9092"],
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka", examples=["SASL_SSL"]
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-256", description="SASL mechanism", examples=["SCRAM-SHA-256"]
    )
    kafka_sasl_username: str = Field("", description="SASL user", examples=["trackunit"])
    kafka_sasl_password: SecretStr = Field(
        SecretStr(""), description="SASL password", examples=["(from a Secret)"]
    )
    kafka_ca_file: str = Field(
        "",
        description="File of the CA that Kafka's certificate is from; empty: the system's",
        examples=["/etc/platform-ca/ca.crt"],
    )
    topic_images_uploaded: str = Field(
        _TOPOLOGY.topic("images_uploaded"),
        min_length=1,
        description="Topic that announces a picture that was uploaded",
        examples=[_TOPOLOGY.topic("images_uploaded")],
    )
    topic_recognition_completed: str = Field(
        _TOPOLOGY.topic("recognition_completed"),
        min_length=1,
        description="Topic that announces a finished recognition",
        examples=[_TOPOLOGY.topic("recognition_completed")],
    )
    topic_recognition_request: str = Field(
        _TOPOLOGY.topic("recognition_request"),
        min_length=1,
        description="Topic that takes requests to recognise a picture",
        examples=[_TOPOLOGY.topic("recognition_request")],
    )

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        for server in value.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"{server.strip()!r} is not host:port")
        return value

    @field_validator("kafka_sasl_password")
    @classmethod
    def _sasl_complete(cls, value: SecretStr, info: Any) -> SecretStr:
        wanted = str(info.data.get("kafka_security_protocol", "")).startswith("SASL")
        if wanted and not (value.get_secret_value() and info.data.get("kafka_sasl_username")):
            raise ValueError("SASL needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD")
        return value


class S3Settings(_Group):
    s3_endpoint: str = Field(
        pattern=r"^https?://[^/]+$",
        description="S3 endpoint as the services reach it",
        examples=["http://object-storage.object-storage.svc.cluster.local:7070"],
    )
    s3_public_endpoint: str = Field(
        pattern=r"^https?://[^/]+$",
        description="S3 endpoint as clients reach it through the front door",
        examples=["https://storage.graphql.local"],
    )
    s3_bucket: str = Field(
        "tu-images", min_length=3, description="Bucket of the pictures", examples=["tu-images"]
    )
    s3_region: str = Field(
        "us-east-1", min_length=1, description="S3 region", examples=["us-east-1"]
    )
    s3_access_key: str = Field(min_length=1, description="S3 access key", examples=["ingestion"])
    s3_secret_key: SecretStr = Field(
        min_length=1, description="S3 secret key", examples=["(from a Secret)"]
    )


class OidcSettings(_Group):
    oidc_issuer: str = Field(
        pattern=r"^https?://.+",
        description="Issuer of the tokens, exactly as in their iss claim",
        examples=["https://login.graphql.local/realms/trackunit"],
    )
    oidc_audience: str = Field(
        min_length=1, description="Audience of the tokens", examples=["api://trackunit"]
    )
    oidc_scope: str = Field(
        min_length=1,
        description="Scope that the scp claim must contain",
        examples=["access_as_user"],
    )
    oidc_ca_file: str = Field(
        "",
        description="File of the CA that the issuer's certificate is from; empty: the system's",
        examples=["/etc/platform-ca/ca.crt"],
    )


class CorrelationSettings(_Group):
    correlation_key: SecretStr = Field(
        min_length=32,
        description="Key that binds a correlation id to its owner, 32 characters or more",
        examples=["(from a Secret; openssl rand -hex 32)"],
    )


S = TypeVar("S", bound=_Group)


def load(cls: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Read ``cls`` from the environment, or from ``environ`` alone where that is given."""
    try:
        if environ is None:
            return cls()
        known = {name.lower(): value for name, value in environ.items()}
        return cls.model_validate({k: v for k, v in known.items() if k in cls.model_fields})
    except ValidationError as error:
        raise SettingsError(_sentence(cls, error)) from None


def load_or_exit(cls: type[S]) -> S:
    try:
        return load(cls)
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_CONFIG) from None


def describe(settings: BaseSettings) -> dict[str, Any]:
    """The effective settings with secrets masked, to be logged at start."""
    return {name.upper(): _shown(getattr(settings, name)) for name in type(settings).model_fields}


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "***" if value.get_secret_value() else ""
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _sentence(cls: type[_Group], error: ValidationError) -> str:
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        field = cls.model_fields.get(name)
        what = "is not set" if item["type"] == "missing" else f"is wrong: {_reason(item['msg'])}"
        about = f" ({field.description})" if field and field.description else ""
        example = f", for example {field.examples[0]}" if field and field.examples else ""
        problems.append(f"{name.upper()}{about} {what}{example}")
    return "; ".join(problems)


def _reason(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
