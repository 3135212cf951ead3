"""Settings of the service, from the environment."""

from typing import Literal

from pydantic import Field

from tu_common.settings import KafkaSettings, ServiceSettings


class Settings(ServiceSettings, KafkaSettings):
    """What svc-ai-vision-adapter can be told; the groups hold what it shares with others."""

    ingestion_url: str = Field(
        pattern=r"^https?://[^/]+$",
        description="Where the ingestion service is, for access to pictures",
        examples=["http://tu-ingestion-service.tu-ingestion-service.svc.cluster.local:8080"],
    )
    consumer_group: str = Field(
        "svc-ai-vision-adapter",
        min_length=1,
        description="Kafka group whose members share the work",
        examples=["svc-ai-vision-adapter"],
    )
    recognition_provider: Literal["tesseract"] = Field(
        "tesseract", description="Who recognises", examples=["tesseract"]
    )
    recognition_seconds: float = Field(
        30,
        ge=1,
        le=240,
        description="How long one picture may be looked at; below Kafka's max.poll.interval",
        examples=["30"],
    )
    confident_from: float = Field(
        0.75,
        gt=0,
        le=1,
        description="Confidence from which an answer counts as confident",
        examples=["0.75"],
    )
    max_results: int = Field(
        10, ge=1, le=100, description="Candidates that are considered", examples=["10"]
    )
    catalogue_file: str = Field(
        "",
        description="Catalogue of machines to use instead of the one in the package",
        examples=["/etc/catalogue/catalogue.yml"],
    )
    picture_max_bytes: int = Field(
        10 * 1024**2,
        ge=1024,
        description="Largest file that is fetched",
        examples=["10485760"],
    )
    picture_max_pixels: int = Field(
        50_000_000,
        ge=10_000,
        le=150_000_000,
        description="Most pixels that a picture may have when decoded",
        examples=["50000000"],
    )
