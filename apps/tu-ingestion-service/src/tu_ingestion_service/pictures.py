"""What a file really is, from its bytes alone."""

import hashlib
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_START_OF_SCAN = 0xDA
# Segments without a length: restart markers and TEM.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found: the content type (None for anything else), and whether the end is there."""

    content_type: str | None
    complete: bool
    checksum: str


def inspect(data: bytes) -> Inspection:
    checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if data.startswith(b"\xff\xd8\xff"):
        return Inspection("image/jpeg", _jpeg_ends(data), checksum)
    if data.startswith(_PNG):
        return Inspection("image/png", _png_ends(data), checksum)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Inspection("image/webp", _webp_ends(data), checksum)
    return Inspection(None, False, checksum)


def _jpeg_ends(data: bytes) -> bool:
    """Whether the end-of-image marker follows the picture's own data.

    A thumbnail in the header has such a marker too, and cameras append data behind it, so that
    neither the first nor the last two bytes of the file tell.
    """
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return False
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_BARE:
            position += 2
        elif marker == _JPEG_START_OF_SCAN:
            # In the scan FF is followed by 00 where it is data, so that a marker is a marker.
            return data.find(b"\xff\xd9", position) != -1
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return False


def _png_ends(data: bytes) -> bool:
    position = len(_PNG)
    while position + 12 <= len(data):
        kind = data[position + 4 : position + 8]
        position += 12 + int.from_bytes(data[position : position + 4])
        if kind == b"IEND":
            return position <= len(data)
    return False


def _webp_ends(data: bytes) -> bool:
    return len(data) >= 16 and 8 + int.from_bytes(data[4:8], "little") <= len(data)
