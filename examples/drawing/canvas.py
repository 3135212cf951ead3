"""Shapes, wheels, tracks, cabs and letters on a transparent layer."""

# A shape is drawn from its coordinates, and names for four of them say no more than their order.
# ruff: noqa: PLR0917

from dataclasses import dataclass

import font_roboto  # type: ignore[import-untyped]
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1600, 1200
# Drawn larger and made smaller at the end, so that edges are as soft as a lens makes them.
SCALE = 2

Colour = tuple[int, int, int]
Point = tuple[float, float]

BLACK: Colour = (28, 28, 30)
RUBBER: Colour = (38, 37, 38)
STEEL: Colour = (96, 98, 102)
GLASS: Colour = (70, 92, 104)
WHITE: Colour = (240, 240, 236)


@dataclass(frozen=True)
class Decal:
    """Letters of a height, centred on (x, y), glued on turned and slanted."""

    text: str
    x: float
    y: float
    height: float
    colour: Colour
    font: str = "Black"
    turn: float = 0.0
    slant: float = 0.0
    backing: Colour | None = None


def darker(colour: Colour, share: float) -> Colour:
    red, green, blue = colour
    return int(red * share), int(green * share), int(blue * share)


class Canvas:
    """A transparent layer; coordinates are those of the finished picture."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE))
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, colour: Colour, *points: Point) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        edge = darker(colour, 0.55)
        self._draw.polygon(scaled, fill=(*colour, 255))
        self._draw.line([*scaled, scaled[0]], fill=(*edge, 255), width=3 * SCALE, joint="curve")

    def box(
        self,
        colour: Colour,
        left: float,
        top: float,
        right: float,
        bottom: float,
        radius: float = 0,
    ) -> None:
        edge = darker(colour, 0.55)
        self._draw.rounded_rectangle(
            (left * SCALE, top * SCALE, right * SCALE, bottom * SCALE),
            radius * SCALE,
            fill=(*colour, 255),
            outline=(*edge, 255),
            width=3 * SCALE,
        )

    def disc(self, colour: Colour, x: float, y: float, radius: float) -> None:
        edge = darker(colour, 0.6)
        self._draw.ellipse(
            (
                (x - radius) * SCALE,
                (y - radius) * SCALE,
                (x + radius) * SCALE,
                (y + radius) * SCALE,
            ),
            fill=(*colour, 255),
            outline=(*edge, 255),
            width=3 * SCALE,
        )

    def beam(self, colour: Colour, start: Point, end: Point, thick: float, thin: float) -> None:
        """A boom or a rod: a long quadrangle, thick at its start."""
        across = np.array([-(end[1] - start[1]), end[0] - start[0]], dtype=float)
        across /= np.hypot(*across)
        a, b = np.array(start, dtype=float), np.array(end, dtype=float)
        corners = (
            a + across * thick / 2,
            b + across * thin / 2,
            b - across * thin / 2,
            a - across * thick / 2,
        )
        self.polygon(colour, *((float(x), float(y)) for x, y in corners))

    def wheel(self, x: float, y: float, radius: float, rim: Colour) -> None:
        self.disc(RUBBER, x, y, radius)
        for step in range(26):
            angle = step / 26 * 2 * np.pi
            tip = (x + np.cos(angle) * radius * 1.03, y + np.sin(angle) * radius * 1.03)
            inner = (x + np.cos(angle) * radius * 0.86, y + np.sin(angle) * radius * 0.86)
            self.beam((24, 24, 25), inner, tip, radius * 0.1, radius * 0.08)
        self.disc((52, 51, 51), x, y, radius * 0.8)
        self.disc(rim, x, y, radius * 0.52)
        self.disc(darker(rim, 0.7), x, y, radius * 0.22)

    def track(self, left: float, top: float, right: float, bottom: float) -> None:
        radius = (bottom - top) / 2
        self.box(RUBBER, left, top, right, bottom, radius)
        self.box((66, 62, 58), left + 14, top + 14, right - 14, bottom - 14, radius - 14)
        count = int((right - left) / 26)
        for step in range(count):
            x = left + radius * 0.4 + step * (right - left - radius * 0.8) / max(1, count - 1)
            self.box((30, 29, 29), x - 8, bottom - 12, x + 8, bottom + 3, 2)
            self.box((30, 29, 29), x - 8, top - 3, x + 8, top + 12, 2)
        rollers = int((right - left - 2 * radius) / (radius * 0.9)) + 1
        for step in range(rollers):
            x = left + radius + step * (right - left - 2 * radius) / max(1, rollers - 1)
            big = radius * (0.66 if step in (0, rollers - 1) else 0.34)
            y = (top + bottom) / 2 if step in (0, rollers - 1) else bottom - radius * 0.5
            self.disc(STEEL, x, y, big)

    def cab(
        self, frame: Colour, left: float, top: float, right: float, bottom: float, lean: float = 0
    ) -> None:
        self.polygon(frame, (left + lean, top), (right, top), (right, bottom), (left, bottom))
        middle = left + (right - left) * 0.56
        edge = 14
        self.polygon(
            GLASS,
            (left + lean + edge, top + edge),
            (middle - 6, top + edge),
            (middle - 6, bottom - 40),
            (left + edge + 4, bottom - 40),
        )
        self.polygon(
            GLASS,
            (middle + 6, top + edge),
            (right - edge, top + edge),
            (right - edge, bottom - 90),
            (middle + 6, bottom - 90),
        )
        # The sky in the glass.
        self.polygon(
            (142, 164, 176),
            (left + lean + edge + 8, top + edge + 6),
            (middle - 40, top + edge + 6),
            (left + lean + edge + 10, bottom - 120),
        )

    def decal(self, decal: Decal) -> None:
        face = ImageFont.truetype(
            getattr(font_roboto, f"Roboto{decal.font}"), round(decal.height * SCALE * 1.39)
        )
        left, top, right, bottom = face.getbbox(decal.text)
        margin = round(decal.height * SCALE * 0.4)
        size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
        label = Image.new("RGBA", size)
        draw = ImageDraw.Draw(label)
        if decal.backing:
            around = (2, 2, label.width - 3, label.height - 3)
            draw.rounded_rectangle(around, margin // 3, fill=(*decal.backing, 255))
        draw.text((margin - left, margin - top), decal.text, font=face, fill=(*decal.colour, 255))
        if decal.slant:
            wide = Image.new(
                "RGBA", (label.width + round(decal.slant * label.height), label.height)
            )
            wide.paste(label, (0, 0))
            label = wide.transform(
                wide.size,
                Image.Transform.AFFINE,
                (1, decal.slant, -decal.slant * label.height / 2, 0, 1, 0),
                Image.Resampling.BICUBIC,
            )
        label = label.rotate(decal.turn, Image.Resampling.BICUBIC, expand=True)
        x, y = decal.x * SCALE - label.width / 2, decal.y * SCALE - label.height / 2
        self.image.alpha_composite(label, (round(x), round(y)))
