"""Who looks at a picture: the interface, and the implementations by name."""

from typing import Protocol

from svc_ai_vision_adapter.domain.recognition import Aggregate, Provider
from svc_ai_vision_adapter.pictures import Picture


class ProviderUnavailableError(Exception):
    """The provider cannot answer now; the same picture may work later."""


class RecognitionProvider(Protocol):
    """Recognises the machine on a picture."""

    def describe(self) -> Provider:
        """Who is asked, as it stands in the result."""
        ...

    def recognise(self, picture: Picture) -> Aggregate:
        """What is on the picture; `ProviderUnavailableError` where that cannot be said now."""
        ...

    def ready(self) -> bool:
        """Whether a picture could be recognised now."""
        ...
