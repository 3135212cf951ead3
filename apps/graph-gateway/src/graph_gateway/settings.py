"""Settings of graph-gateway, all from the environment."""

from pydantic import Field

from tu_common.settings import CorrelationSettings, OidcSettings, RabbitSettings, ServiceSettings


class Settings(ServiceSettings, RabbitSettings, OidcSettings, CorrelationSettings):
    ingestion_url: str = Field(
        pattern=r"^https?://[^/]+/?$",
        description="Where tu-ingestion-service answers",
        examples=["http://tu-ingestion-service.tu-ingestion-service.svc.cluster.local:8080"],
    )
    ingestion_timeout: float = Field(
        25.0,
        gt=0,
        le=60,
        description="Seconds that one of its answers may take; a confirm reads the whole picture "
        "and waits for Kafka, and oauth2-proxy gives up after 30",
        examples=["25"],
    )
    graphql_introspection: bool = Field(
        True, description="Whether clients may ask for the schema", examples=["false"]
    )
    graphql_max_depth: int = Field(
        8, ge=4, description="Levels that an operation may be deep", examples=["8"]
    )
    graphql_max_aliases: int = Field(
        15, ge=0, description="Aliases in one operation", examples=["15"]
    )
    graphql_max_fields: int = Field(
        400, ge=20, description="Fields in one operation, fragments expanded", examples=["400"]
    )
    http_threads: int = Field(
        32, ge=4, le=512, description="Requests answered at once", examples=["32"]
    )
    websocket_max_connections: int = Field(
        400, ge=1, le=4000, description="WebSockets that this replica takes", examples=["400"]
    )
    websocket_init_timeout: float = Field(
        10.0, gt=0, description="Seconds until connection_init must have come", examples=["10"]
    )
    websocket_ping_interval: float = Field(
        25.0,
        gt=0,
        description="Seconds between pings; below what proxies in front take for idle",
        examples=["25"],
    )
    websocket_max_operations: int = Field(
        50, ge=1, description="Operations under way on one WebSocket", examples=["50"]
    )
    subscription_queue_size: int = Field(
        100, ge=1, description="Events kept for a slow subscriber", examples=["100"]
    )
    event_replay_seconds: int = Field(
        900, ge=0, le=3600, description="How far back events can be had", examples=["900"]
    )
    shutdown_timeout: int = Field(
        20,
        ge=1,
        le=300,
        description="Seconds for requests under way to end; the pod's grace period must be longer",
        examples=["20"],
    )
