"""Small whole pictures in each format, made byte by byte."""

import struct
import zlib


def png(width: int = 4, height: int = 3) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def jpeg(width: int = 4, height: int = 3, *, end: bytes = b"\xff\xd9") -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    scan = b"\x01\x01\x00\x00\x3f\x00"

    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    data = b"\x12\xff\x00\x34\xff\xd0\x56"  # a stuffed byte and a restart marker
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\0")
        + segment(0xC0, frame)
        + segment(0xDA, scan)
        + data
        + end
    )


def webp(kind: bytes = b"VP8X") -> bytes:
    body = {
        b"VP8X": b"\0\0\0\0" + (3).to_bytes(3, "little") + (2).to_bytes(3, "little"),
        b"VP8L": b"\x2f" + struct.pack("<I", 3 | 2 << 14) + bytes(8),
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 4, 3) + bytes(4),
    }[kind]
    chunk = kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk
