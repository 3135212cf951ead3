"""Opening pictures that strangers sent: only known formats, never larger than memory allows."""

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

# Pillow knows dozens of formats, some with a past; nothing but these is ever handed to a decoder.
_FORMATS = ("JPEG", "PNG", "WEBP")

# A JPEG is decoded straight to a smaller size where it is larger than any pass needs.
_LARGEST_SIDE = 3000


class PictureError(Exception):
    """The picture can never be recognised; `code` says why, in a word that peers can act on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Picture:
    """A picture as it came, and decoded, upright, in grey and in colour."""

    data: bytes
    image: Image.Image


def open_picture(data: bytes, *, max_pixels: int) -> Picture:
    """Decode `data`, or say with `PictureError` why that is impossible or refused."""
    if not data:
        raise PictureError("picture-undecodable", "the picture is empty")
    try:
        with warnings.catch_warnings():
            # Pillow only warns up to twice its limit; here the limit below is what counts.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            width, height = image.size
            # The header is believed before a pixel is decoded: that is what a bomb cannot hide.
            if width * height > max_pixels:
                raise PictureError(
                    "picture-too-large",
                    f"{width}x{height} pixels are more than the {max_pixels} allowed",
                )
            if image.format == "JPEG":
                image.draft("RGB", (_LARGEST_SIDE, _LARGEST_SIDE))
            image.load()
            upright = ImageOps.exif_transpose(_smaller(image))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError("picture-too-large", str(error)) from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        IndexError,
        KeyError,
    ) as error:
        # The decoders raise any of these for a file that is cut short or was made to break them.
        raise PictureError("picture-undecodable", f"not a readable picture: {error}") from error
    if upright.mode == "RGBA":
        # Transparent parts are shown on white, as a viewer would.
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    return Picture(data, upright.convert("RGB"))


def _smaller(image: Image.Image) -> Image.Image:
    """No larger than any pass needs, before anything else makes a copy of it."""
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")  # 16 bits of grey
    elif image.mode in ("P", "PA", "LA"):
        image = image.convert("RGBA")
    if max(image.size) > _LARGEST_SIDE:
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    return image
