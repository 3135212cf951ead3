"""What can be set from the environment."""

from pydantic import Field

from tu_common.settings import ConsumerSettings, KafkaSettings, RabbitSettings

SERVICE = "svc-messaging-bridge"


class Settings(ConsumerSettings, RabbitSettings, KafkaSettings):
    kafka_group: str = Field(
        SERVICE, min_length=1, description="Consumer group of the bridge", examples=[SERVICE]
    )
    window: int = Field(
        256, ge=1, le=10000, description="Messages under way at once", examples=["256"]
    )
