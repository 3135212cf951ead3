"""What follows from what happened. No I/O."""

import logging
from collections.abc import Sequence

from tu_common.messages import ImageUploaded
from tu_common.messaging import Effect, Message

_log = logging.getLogger(__name__)


def image_uploaded(message: Message) -> Sequence[Effect]:
    """The messages to publish before this one is acknowledged; here none."""
    event = ImageUploaded.read(message.body)
    _log.info("a picture was uploaded", extra={"objectKey": event.object_key})
    return []
