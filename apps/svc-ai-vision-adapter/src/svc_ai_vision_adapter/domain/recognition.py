"""What a recognition is, in the shape that the rest of the platform knows."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Provider:
    """Who looked at the picture, and how much of what it saw was considered."""

    name: str
    api_version: str
    featureset: tuple[str, ...]
    max_results: int

    def as_message(self) -> dict[str, Any]:
        # A string, not a list: existing readers know `featureset` as one field of text.
        return {
            "name": self.name,
            "apiVersion": self.api_version,
            "featureset": ",".join(self.featureset),
            "maxResults": self.max_results,
        }


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The one answer drawn from everything that was read on the picture."""

    brand: str | None = None
    type: str | None = None
    model: str | None = None
    confidence: float = 0.0
    is_confident: bool = False
    type_confidence: float = 0.0
    type_source: str | None = None
    name: str | None = None

    def as_message(self) -> dict[str, Any]:
        return {
            "brand": self.brand,
            "type": self.type,
            "model": self.model,
            "confidence": round(self.confidence, 4),
            "isConfident": self.is_confident,
            "typeConfidence": round(self.type_confidence, 4),
            "typeSource": self.type_source,
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was read: its text, and how sure the reader was (0 to 1)."""

    text: str
    confidence: float


# Words that stand beside each other, in reading order.
Line = tuple[Word, ...]
