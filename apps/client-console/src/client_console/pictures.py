"""Is this file a picture that the platform takes? Seen from its bytes, not from its name.

The checks walk the format's own structure to its end, so that a file that was cut short or
damaged on its way is found before anything is sent. They decode no pixels.
"""

import hashlib
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from client_console.config import MEBIBYTE
from client_console.errors import UsageError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# JPEG markers that stand alone: TEM, RST0 to RST7.
_JPEG_ALONE = {0x01, *range(0xD0, 0xD8)}
# Frame headers: SOF0 to SOF15, without DHT, JPG and DAC, which share their range.
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA


@dataclass(frozen=True)
class Picture:
    """A file that passed the checks."""

    path: Path
    content_type: str
    size: int
    checksum: str
    """``sha256:`` and 64 hex digits."""

    def read(self) -> bytes:
        """The checked bytes; a file that was changed meanwhile is refused."""
        content = _content(self.path)
        if checksum(content) != self.checksum:
            raise UsageError("the file was changed while it was being sent; send it again.")
        return content


def check(path: Path, limit: int) -> Picture:
    """Check the file at ``path``; the exception says what is wrong and what to do.

    It does not name the file: whoever shows it knows the name that the user gave.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(error) from None
    if stat.S_ISDIR(found.st_mode):
        raise UsageError("this is a folder; name the pictures in it.")
    if found.st_size == 0:
        raise UsageError("the file is empty.")
    if found.st_size > limit:
        raise UsageError(
            f"the file has {found.st_size / MEBIBYTE:.1f} MiB; the platform takes up to"
            f" {limit / MEBIBYTE:g} MiB. Save it smaller."
        )
    content = _content(path)
    return Picture(path, inspect(content), len(content), checksum(content))


def checksum(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def inspect(content: bytes) -> str:
    """The content type of a whole picture."""
    if content.startswith(b"\xff\xd8\xff"):
        _jpeg(content)
        return "image/jpeg"
    if content.startswith(PNG_SIGNATURE):
        _png(content)
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        _webp(content)
        return "image/webp"
    raise UsageError("this is not a picture that the platform takes: JPEG, PNG or WebP.")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> UsageError:
    return UsageError(f"the file cannot be read: {error.strerror}.")


def _cut_short(kind: str) -> UsageError:
    return UsageError(f"this {kind} was cut short; get the whole file and send that.")


def _damaged(kind: str, why: str) -> UsageError:
    return UsageError(f"this {kind} is damaged ({why}); get it anew and send that.")


def _jpeg(content: bytes) -> None:
    position, framed = 2, False
    while True:
        position, marker = _next_marker(content, position)
        if marker == _JPEG_END:
            if not framed:
                raise _damaged("JPEG", "no frame header")
            return
        if marker in _JPEG_ALONE:
            continue
        if position + 2 > len(content):
            raise _cut_short("JPEG")
        (length,) = struct.unpack_from(">H", content, position)
        if length < 2:
            raise _damaged("JPEG", "a segment without length")
        segment = content[position + 2 : position + length]
        if marker in _JPEG_FRAMES:
            if len(segment) < 6:
                raise _cut_short("JPEG")
            _, height, width = struct.unpack_from(">BHH", segment)
            _measures("JPEG", width, height)
            framed = True
        position += length
        if marker == _JPEG_SCAN:
            position = _scan_end(content, position)


def _next_marker(content: bytes, position: int) -> tuple[int, int]:
    """The position behind the next marker, and the marker; fill bytes before it are legal."""
    if position < len(content) and content[position] != 0xFF:
        raise _damaged("JPEG", "no marker where one must be")
    while position < len(content) and content[position] == 0xFF:
        position += 1
    if position >= len(content):
        raise _cut_short("JPEG")
    return position + 1, content[position]


def _scan_end(content: bytes, position: int) -> int:
    """Where compressed data end: at a marker other than a stuffed zero or a restart."""
    while True:
        position = content.find(b"\xff", position)
        if position < 0 or position + 1 >= len(content):
            raise _cut_short("JPEG")
        following = content[position + 1]
        if following == 0xFF:
            position += 1
        elif following == 0 or following in _JPEG_ALONE:
            position += 2
        else:
            return position


def _png(content: bytes) -> None:
    position, first = len(PNG_SIGNATURE), True
    while True:
        if position + 12 > len(content):
            raise _cut_short("PNG")
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if end > len(content):
            raise _cut_short("PNG")
        (expected,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(content[position + 4 : end - 4]) != expected:
            raise _damaged("PNG", "a checksum does not fit")
        if first:
            if kind != b"IHDR" or length != 13:
                raise _damaged("PNG", "no header")
            _measures("PNG", *struct.unpack_from(">II", content, position + 8))
            first = False
        if kind == b"IEND":
            return
        position = end


def _webp(content: bytes) -> None:
    (riff,) = struct.unpack_from("<I", content, 4)
    if riff + 8 > len(content):
        raise _cut_short("WebP")
    if len(content) < 30:
        raise _damaged("WebP", "no header")
    kind = content[12:16]
    if kind == b"VP8 ":
        if content[23:26] != b"\x9d\x01\x2a":
            raise _damaged("WebP", "no key frame")
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", content, 26))
    elif kind == b"VP8L":
        if content[20] != 0x2F:
            raise _damaged("WebP", "no signature")
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":
        width = int.from_bytes(content[24:27], "little") + 1
        height = int.from_bytes(content[27:30], "little") + 1
    else:
        raise _damaged("WebP", "an unknown header")
    _measures("WebP", width, height)


def _measures(kind: str, width: int, height: int) -> None:
    if not (width and height):
        raise _damaged(kind, f"{width} x {height} pixels")
