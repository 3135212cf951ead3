"""What can be set from the environment."""

from pydantic import Field

from tu_common.settings import ConsumerSettings, RabbitSettings

SERVICE = "svc-new"


class Settings(ConsumerSettings, RabbitSettings):
    window: int = Field(
        64, ge=1, le=10000, description="Messages under way at once", examples=["64"]
    )
