"""The service with everything around it in memory."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tu_common import topology
from tu_common.messaging.memory import MemoryBroker
from tu_ingestion_service.errors import Code, UnavailableError
from tu_ingestion_service.ingestion import Ingestion
from tu_ingestion_service.storage import ObjectInfo

JPEG = b"\xff\xd8\xff\xda\x00\x02" + bytes(200) + b"\xff\xd9"
TOPIC = topology.load().topic("images_uploaded")
UPLOADED_AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class MemoryStorage:
    objects: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, datetime] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    down: bool = False

    def put_url(self, key: str, content_type: str, seconds: int) -> str:
        return f"https://storage.example/{key}?type={content_type}&for={seconds}"

    def get_url(self, key: str, seconds: int) -> str:
        return f"http://inside/{key}?for={seconds}"

    def head(self, key: str) -> ObjectInfo | None:
        data = self.read(key, 1 << 30)
        return None if data is None else ObjectInfo(len(data), UPLOADED_AT)

    def read(self, key: str, limit: int) -> bytes | None:
        if self.down:
            raise UnavailableError(Code.STORAGE_UNAVAILABLE, "down")
        data = self.objects.get(key)
        return None if data is None else data[:limit]

    def write(self, key: str, data: bytes, content_type: str) -> None:
        if self.down:
            raise UnavailableError(Code.STORAGE_UNAVAILABLE, "down")
        self.objects[key] = data
        self.written[key] = self.now()

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def older(self, prefix: str, moment: datetime) -> list[str]:
        return [k for k in self.objects if k.startswith(prefix) and self.written[k] < moment]

    def ready(self) -> bool:
        return not self.down


def away(*_: object) -> None:
    raise UnavailableError(Code.STORAGE_UNAVAILABLE, "down")


@dataclass
class Clock:
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Stage:
    """The service with everything around it in memory."""

    client: Any
    storage: MemoryStorage
    broker: MemoryBroker
    ingestion: Ingestion
    clock: Clock

    def start(self, content_type: str = "image/jpeg", **headers: str) -> dict[str, Any]:
        answer = self.client.post(
            "/v1/uploads/start",
            json={"filename": "machine.jpg", "contentType": content_type},
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def confirm(self, upload_id: str, data: bytes, **changes: Any) -> Any:
        body = {
            "uploadId": upload_id,
            "bytes": len(data),
            "checksum": f"sha256:{hashlib.sha256(data).hexdigest()}",
            **changes,
        }
        return self.client.post("/v1/uploads/confirm", json=body)

    @property
    def announced(self) -> list[Any]:
        return self.broker.pending(TOPIC)
