"""Settings of the service, from the environment."""

from pydantic import Field

from tu_common.settings import KafkaSettings, S3Settings, ServiceSettings


class Settings(ServiceSettings, KafkaSettings, S3Settings):
    """What tu-ingestion-service can be told; the groups hold what it shares with others."""

    upload_max_bytes: int = Field(
        10 * 1024**2,
        ge=1024,
        le=100 * 1024**2,
        description="Largest picture that is accepted, in bytes",
        examples=["10485760"],
    )
    upload_url_seconds: int = Field(
        300, ge=10, le=3600, description="How long a putUrl can be used", examples=["300"]
    )
    media_url_seconds: int = Field(
        300,
        ge=10,
        le=3600,
        description="How long a URL for reading a picture can be used",
        examples=["300"],
    )
    publish_timeout_seconds: float = Field(
        10,
        gt=0,
        le=60,
        description="How long a confirm waits for Kafka before it answers 503",
        examples=["10"],
    )
    unconfirmed_seconds: int = Field(
        24 * 3600,
        ge=3600,
        description="How long an upload can be confirmed; after that it is deleted",
        examples=["86400"],
    )
    http_threads: int = Field(
        8, ge=1, le=64, description="Requests that are served at a time", examples=["8"]
    )
    http_drain_seconds: int = Field(
        25,
        ge=1,
        le=300,
        description="How long requests under way may take to finish after SIGTERM",
        examples=["25"],
    )
