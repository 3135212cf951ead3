"""Makes the example pictures and expected.json, the same each time.

    pip install pillow numpy font-roboto
    python examples/make_pictures.py

Each picture is a scene drawn in layers (sky, horizon, ground, shadow, machine with its decals) and
then treated as a camera and a careless photographer would: light, dirt, perspective, a slight
turn, defocus, grain, vignette, compression.
"""

# A shape is drawn from its coordinates, and names for four of them say no more than their order.
# ruff: noqa: PLR0917

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import font_roboto  # type: ignore[import-untyped]
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).resolve().parent
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
CAT_YELLOW: Colour = (236, 176, 38)
VOLVO_YELLOW: Colour = (232, 170, 44)
VOLVO_GREY: Colour = (74, 77, 82)
JCB_YELLOW: Colour = (246, 186, 20)
KOMATSU_YELLOW: Colour = (240, 182, 30)
KOMATSU_BLUE: Colour = (26, 46, 110)
LIEBHERR_YELLOW: Colour = (240, 190, 34)
MANITOU_RED: Colour = (196, 36, 36)
BOMAG_YELLOW: Colour = (244, 196, 24)
TAKEUCHI_RED: Colour = (188, 30, 40)
BOBCAT_ORANGE: Colour = (236, 88, 32)
BOBCAT_WHITE: Colour = (228, 228, 222)
CASE_ORANGE: Colour = (222, 104, 32)


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


# ---------------------------------------------------------------------------------------------
# Machines. Each stands on the line y = 1000.


def excavator(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.track(420, 850, 1120, 1000)
    canvas.box(second, 640, 812, 900, 862, 10)
    canvas.polygon(second, (520, 780), (1210, 780), (1230, 815), (520, 815))
    # Counterweight and engine house.
    canvas.polygon(paint, (820, 590), (1180, 580), (1236, 620), (1240, 790), (820, 790))
    canvas.polygon(second, (1130, 640), (1240, 650), (1240, 790), (1130, 790))
    canvas.box(darker(paint, 0.8), 860, 612, 960, 640, 4)
    # Boom, stick, bucket.
    canvas.beam(paint, (720, 760), (440, 330), 110, 84)
    canvas.beam(paint, (470, 330), (200, 420), 84, 70)
    canvas.beam(STEEL, (640, 700), (470, 420), 28, 20)
    canvas.beam(STEEL, (520, 300), (330, 330), 26, 18)
    canvas.beam(paint, (210, 390), (170, 760), 76, 48)
    canvas.beam(STEEL, (300, 350), (196, 560), 24, 16)
    canvas.polygon(STEEL, (120, 740), (215, 740), (250, 850), (200, 920), (110, 900), (90, 820))
    canvas.cab(second, 560, 520, 800, 790, 40)


def mini_excavator(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.track(500, 880, 1060, 1000)
    canvas.polygon(STEEL, (1080, 900), (1120, 880), (1120, 1000), (1090, 1000))
    canvas.box(second, 690, 830, 880, 890, 10)
    canvas.polygon(paint, (600, 690), (1010, 680), (1070, 740), (1060, 845), (600, 845))
    canvas.cab(second, 620, 420, 850, 740, 20)
    canvas.beam(paint, (590, 790), (420, 420), 82, 60)
    canvas.beam(paint, (430, 440), (280, 470), 62, 50)
    canvas.beam(paint, (290, 440), (240, 780), 60, 40)
    canvas.beam(STEEL, (560, 700), (450, 520), 22, 16)
    canvas.polygon(STEEL, (200, 760), (275, 760), (310, 850), (260, 910), (190, 890))


def wheel_loader(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.polygon(second, (520, 790), (1120, 790), (1120, 870), (520, 870))
    canvas.beam(paint, (700, 700), (330, 860), 80, 60)
    canvas.beam(STEEL, (640, 640), (360, 780), 24, 18)
    canvas.polygon(STEEL, (180, 760), (350, 740), (370, 900), (300, 975), (150, 975), (190, 900))
    # Engine hood with its slope.
    canvas.polygon(paint, (830, 600), (1200, 590), (1260, 640), (1270, 830), (830, 830))
    canvas.box(BLACK, 1190, 660, 1262, 800, 8)
    canvas.polygon(paint, (560, 700), (680, 690), (700, 840), (560, 840))
    canvas.cab(BLACK, 650, 400, 850, 720, 16)
    canvas.wheel(560, 870, 132, paint)
    canvas.wheel(1060, 870, 132, paint)


def backhoe_loader(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.polygon(paint, (380, 640), (740, 620), (740, 800), (360, 800))
    canvas.beam(paint, (660, 720), (280, 880), 62, 50)
    canvas.polygon(STEEL, (130, 830), (290, 810), (310, 920), (250, 985), (110, 985))
    canvas.cab(second, 720, 400, 1010, 780, 20)
    canvas.box(paint, 600, 780, 1060, 850, 8)
    canvas.beam(paint, (1060, 830), (1180, 420), 84, 58)
    canvas.beam(paint, (1170, 430), (1370, 620), 60, 44)
    canvas.polygon(STEEL, (1330, 620), (1410, 610), (1440, 720), (1380, 770), (1320, 740))
    canvas.wheel(470, 900, 100, WHITE)
    canvas.wheel(930, 860, 140, WHITE)


def telehandler(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.beam(paint, (1240, 600), (330, 740), 120, 96)
    canvas.beam(second, (420, 726), (190, 770), 70, 60)
    canvas.polygon(STEEL, (150, 700), (205, 700), (205, 900), (60, 900), (60, 880), (150, 880))
    canvas.polygon(second, (380, 790), (1220, 780), (1240, 880), (380, 880))
    canvas.polygon(paint, (830, 690), (1200, 680), (1240, 790), (830, 800))
    canvas.cab(BLACK, 560, 460, 800, 800, 40)
    canvas.wheel(480, 880, 122, paint)
    canvas.wheel(1120, 880, 122, paint)


def roller(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.polygon(paint, (800, 590), (1220, 590), (1290, 690), (1290, 850), (800, 850))
    canvas.polygon(second, (300, 800), (800, 760), (800, 830), (300, 880))
    canvas.cab(second, 640, 400, 860, 760, 20)
    canvas.disc(STEEL, 430, 850, 150)
    canvas.disc((120, 122, 126), 430, 850, 118)
    canvas.beam(paint, (330, 850), (760, 820), 66, 66)
    canvas.wheel(1080, 870, 130, paint)


def crane(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.box(paint, 150, 800, 1460, 900, 10)
    canvas.polygon(paint, (140, 640), (360, 640), (380, 800), (380, 890), (130, 890), (126, 740))
    canvas.polygon(GLASS, (158, 660), (330, 660), (340, 750), (146, 750))
    canvas.beam(paint, (1250, 650), (300, 330), 130, 96)
    canvas.beam(second, (380, 356), (130, 272), 70, 60)
    canvas.beam(STEEL, (980, 740), (880, 550), 36, 26)
    canvas.polygon(paint, (800, 680), (1400, 660), (1440, 720), (1440, 800), (800, 800))
    canvas.cab(second, 600, 600, 780, 800, 20)
    canvas.beam(BLACK, (140, 280), (138, 520), 5, 5)
    canvas.box(STEEL, 118, 510, 160, 570, 8)
    for x in (300, 900, 1120, 1340):
        canvas.wheel(x, 905, 95, STEEL)


def skid_steer(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.polygon(second, (560, 560), (1100, 540), (1140, 640), (1140, 860), (560, 860))
    canvas.cab(BLACK, 560, 420, 860, 760, 30)
    canvas.beam(paint, (1120, 500), (620, 740), 96, 80)
    canvas.beam(paint, (640, 730), (430, 900), 84, 60)
    canvas.polygon(STEEL, (250, 800), (430, 780), (460, 920), (400, 980), (230, 980))
    canvas.wheel(660, 890, 112, second)
    canvas.wheel(990, 890, 112, second)


def dump_truck(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.polygon(second, (200, 800), (1440, 800), (1440, 860), (200, 860))
    canvas.polygon(paint, (640, 560), (1450, 520), (1500, 600), (1380, 800), (740, 800))
    canvas.polygon(paint, (140, 690), (420, 660), (430, 830), (140, 830))
    canvas.cab(second, 400, 470, 620, 800, 30)
    for x in (330, 930, 1240):
        canvas.wheel(x, 870, 130, paint)


def dozer(canvas: Canvas, paint: Colour, second: Colour) -> None:
    canvas.track(460, 800, 1180, 1000)
    canvas.polygon(paint, (430, 640), (820, 620), (820, 800), (430, 810))
    canvas.polygon(paint, (820, 720), (1140, 720), (1140, 800), (820, 800))
    canvas.cab(BLACK, 800, 420, 1080, 760, 20)
    canvas.beam(second, (640, 900), (330, 920), 50, 44)
    canvas.polygon(paint, (300, 700), (350, 700), (320, 860), (350, 985), (270, 985), (260, 840))
    canvas.beam(BLACK, (560, 640), (560, 500), 26, 26)


# ---------------------------------------------------------------------------------------------
# Scenery and the camera.


def noise(rng: np.random.Generator, width: int, height: int, grain: float) -> np.ndarray:
    """Cloudy noise from 0 to 1, in spots of about `grain` pixels."""
    small = rng.random((max(2, int(height / grain)), max(2, int(width / grain))))
    image = Image.fromarray((small * 255).astype(np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.asarray(image, dtype=float) / 255


def scenery(rng: np.random.Generator, sky: Colour, ground: Colour, horizon: int) -> Image.Image:
    height = np.linspace(0, 1, HEIGHT)[:, None]
    clouds = (
        0.5 * noise(rng, WIDTH, HEIGHT, 260)
        + 0.3 * noise(rng, WIDTH, HEIGHT, 110)
        + 0.2 * noise(rng, WIDTH, HEIGHT, 45)
    )
    clouds = np.clip((clouds - 0.45) * 2.6, 0, 1)
    picture = np.empty((HEIGHT, WIDTH, 3))
    for channel in range(3):
        clear = (
            sky[channel]
            + (250 - sky[channel]) * np.clip(height * HEIGHT / horizon, 0, 1) ** 1.4 * 0.7
        )
        picture[..., channel] = clear * (1 - 0.6 * clouds) + 248 * 0.6 * clouds
    # Trees and sheds far away, in the haze.
    ridge = horizon - 30 - 90 * noise(rng, WIDTH, 4, 190)[1] - 22 * noise(rng, WIDTH, 4, 24)[1]
    rows = np.arange(HEIGHT)[:, None]
    far = (rows > ridge[None, :]) & (rows < horizon + 4)
    leaves = 0.7 + 0.6 * noise(rng, WIDTH, HEIGHT, 14)
    for channel, value in enumerate((92, 108, 92)):
        picture[..., channel] = np.where(far, value * leaves, picture[..., channel])
    # The ground: finer towards the horizon, as distance makes it.
    below = np.clip((rows - horizon) / (HEIGHT - horizon), 0, 1)
    texture = (
        0.62
        + 0.3 * noise(rng, WIDTH, HEIGHT, 60)
        + 0.26 * noise(rng, WIDTH, HEIGHT, 12)
        + 0.24 * noise(rng, WIDTH, HEIGHT, 3)
    )
    patches = 0.75 + 0.5 * noise(rng, WIDTH, HEIGHT, 400)
    for channel in range(3):
        soil = ground[channel] * texture * (1.12 - 0.3 * below) * patches
        picture[..., channel] = np.where(rows >= horizon, soil, picture[..., channel])
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(1.2)
    )


def lit(machine: Image.Image, rng: np.random.Generator, dirt: float) -> Image.Image:
    """Light from above, and dirt that is thicker towards the ground."""
    width, height = machine.size
    pixels = np.asarray(machine, dtype=float).copy()
    light = np.linspace(1.12, 0.74, height)[:, None] * (0.9 + 0.2 * noise(rng, width, height, 500))
    pixels[..., :3] *= light[..., None]
    low = np.clip((np.linspace(0, 1, height)[:, None] - 0.45) * 2, 0, 1)
    spots = np.clip(
        (noise(rng, width, height, 40) * 0.6 + noise(rng, width, height, 9) * 0.4 - 0.5) * 4, 0, 1
    )
    cover = (spots * low * dirt)[..., None]
    pixels[..., :3] = pixels[..., :3] * (1 - cover) + np.array((118, 98, 74)) * cover
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGBA")


def perspective(image: Image.Image, lean: float) -> Image.Image:
    """One side nearer to the camera than the other; positive: the right side is far."""
    width, height = image.size
    shift = abs(lean) * height
    if lean >= 0:
        corners = [(0, 0), (width, shift), (width, height - shift * 0.4), (0, height)]
    else:
        corners = [(0, shift), (width, 0), (width, height), (0, height - shift * 0.4)]
    rows = []
    for (x, y), (u, v) in zip(
        corners, [(0, 0), (width, 0), (width, height), (0, height)], strict=True
    ):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    target = [
        part for corner in [(0, 0), (width, 0), (width, height), (0, height)] for part in corner
    ]
    coefficients = np.linalg.solve(np.array(rows, dtype=float), np.array(target, dtype=float))
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, list(coefficients), Image.Resampling.BICUBIC
    )


@dataclass(frozen=True)
class Scene:
    file: str
    shows: str
    machine: Callable[[Canvas, Colour, Colour], None]
    paint: Colour
    second: Colour
    decals: tuple[Decal, ...]
    expected: dict[str, str | None]
    sky: Colour = (112, 158, 208)
    ground: Colour = (150, 128, 100)
    horizon: int = 700
    lean: float = 0.0
    turn: float = 0.0
    zoom: float = 1.0
    blur: float = 0.7
    grain: float = 5.0
    light: float = 1.0
    dirt: float = 0.6
    quality: int = 80
    size: tuple[int, int] = (1600, 1200)


def photograph(scene: Scene, seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    canvas = Canvas()
    scene.machine(canvas, scene.paint, scene.second)
    for decal in scene.decals:
        canvas.decal(decal)
    machine = perspective(lit(canvas.image, rng, scene.dirt), scene.lean)
    machine = machine.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    picture = scenery(rng, scene.sky, scene.ground, scene.horizon).convert("RGBA")
    # The shadow: the machine pressed flat on the ground.
    outline = machine.getchannel("A").crop((0, 200, WIDTH, 1000)).resize((WIDTH, 150))
    shade = Image.new("L", (WIDTH, HEIGHT))
    shade.paste(outline.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (30, 965))
    shade = shade.filter(ImageFilter.GaussianBlur(14)).point(lambda value: value * 0.62)
    picture.paste((24, 22, 20, 255), (0, 0), shade)
    picture.alpha_composite(machine)
    flat = picture.convert("RGB").rotate(scene.turn, Image.Resampling.BICUBIC)
    # Cut off what turning left empty, and come as near as the photographer did.
    keep = (1 - abs(scene.turn) / 45) / scene.zoom
    left, top = WIDTH * (1 - keep) / 2, HEIGHT * (1 - keep) * 0.55
    flat = flat.crop(
        (round(left), round(top), round(left + WIDTH * keep), round(top + HEIGHT * keep))
    )
    flat = flat.resize(scene.size, Image.Resampling.LANCZOS).filter(
        ImageFilter.GaussianBlur(scene.blur)
    )
    pixels = np.asarray(flat, dtype=float) * scene.light
    height, width = pixels.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    pixels *= (1 - 0.16 * (x**2 + y**2))[..., None]
    pixels += rng.normal(0, scene.grain, pixels.shape[:2])[..., None] + rng.normal(
        0, scene.grain * 0.5, pixels.shape
    )
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def machine(brand: str | None, model: str | None, kind: str | None) -> dict[str, str | None]:
    return {"brand": brand, "model": model, "type": kind}


SCENES = (
    Scene(
        "volvo-ec220e.jpg",
        "a crawler excavator in a gravel pit",
        excavator,
        VOLVO_YELLOW,
        VOLVO_GREY,
        (Decal("VOLVO", 975, 690, 54, BLACK), Decal("EC220E", 1010, 757, 30, BLACK, font="Bold")),
        machine("Volvo", "EC220E", "excavator"),
        lean=0.03,
        turn=1.2,
    ),
    Scene(
        "cat-950-gc.jpg",
        "a wheel loader on a stockyard in the morning",
        wheel_loader,
        CAT_YELLOW,
        BLACK,
        (
            Decal("CAT", 960, 690, 60, BLACK),
            Decal("950 GC", 1040, 775, 38, WHITE, font="Bold", backing=BLACK),
        ),
        machine("Caterpillar", "950 GC", "wheel loader"),
        sky=(176, 176, 190),
        ground=(136, 134, 130),
        lean=-0.03,
        turn=-1.6,
        zoom=1.12,
    ),
    Scene(
        "jcb-3cx.jpg",
        "a backhoe loader on a road site",
        backhoe_loader,
        JCB_YELLOW,
        BLACK,
        (Decal("JCB", 520, 685, 54, BLACK, slant=0.15), Decal("3CX", 700, 815, 36, BLACK)),
        machine("JCB", "3CX", "backhoe loader"),
        ground=(120, 118, 116),
        turn=0.8,
        zoom=1.08,
        blur=0.9,
        quality=70,
    ),
    Scene(
        "komatsu-pc210lc-11.png",
        "a crawler excavator in a quarry",
        excavator,
        KOMATSU_YELLOW,
        (60, 62, 68),
        (
            Decal("KOMATSU", 975, 685, 42, KOMATSU_BLUE),
            Decal("PC210LC-11", 975, 748, 32, BLACK, font="Bold"),
        ),
        machine("Komatsu", "PC210LC-11", "excavator"),
        sky=(150, 170, 190),
        ground=(168, 160, 148),
        lean=0.04,
        turn=-1.0,
        grain=1.5,
        size=(1000, 750),
    ),
    Scene(
        "liebherr-ltm-1060.webp",
        "a mobile crane beside a half-built hall",
        crane,
        LIEBHERR_YELLOW,
        (70, 72, 76),
        (
            Decal("LIEBHERR", 610, 434, 56, BLACK, turn=-18.6),
            Decal("LTM 1060-3.1", 640, 845, 38, BLACK, font="Bold"),
        ),
        machine("Liebherr", "LTM 1060-3.1", "crane"),
        lean=0.02,
        turn=-0.7,
        quality=72,
    ),
    Scene(
        "manitou-mt-1440.jpg",
        "a telehandler on a building site under clouds",
        telehandler,
        MANITOU_RED,
        (64, 64, 68),
        (
            Decal("MANITOU", 1010, 632, 52, WHITE, turn=8.7),
            Decal("MT 1440", 1020, 744, 44, WHITE, font="Bold"),
        ),
        machine("Manitou", "MT 1440", "telehandler"),
        sky=(170, 178, 186),
        ground=(128, 112, 92),
        turn=1.4,
        light=0.9,
        grain=7,
    ),
    Scene(
        "bomag-bw-213.jpg",
        "a single drum roller at dusk",
        roller,
        BOMAG_YELLOW,
        (54, 54, 58),
        (
            Decal("BOMAG", 1040, 640, 46, BLACK),
            Decal("BW 213 D-5", 1050, 704, 30, BLACK, font="Bold"),
        ),
        machine("Bomag", "BW 213 D-5", "roller"),
        sky=(196, 158, 140),
        ground=(116, 98, 84),
        light=0.72,
        turn=-1.8,
        grain=8,
        blur=0.9,
    ),
    Scene(
        "takeuchi-tb260.webp",
        "a mini excavator in a garden",
        mini_excavator,
        TAKEUCHI_RED,
        (72, 72, 74),
        (
            Decal("TAKEUCHI", 890, 795, 40, WHITE),
            Decal("TB260", 950, 722, 34, WHITE, font="Bold", slant=0.2),
        ),
        machine("Takeuchi", "TB260", "mini excavator"),
        ground=(108, 128, 78),
        lean=-0.02,
        turn=2.0,
        zoom=1.1,
        quality=74,
    ),
    Scene(
        "bobcat-s650.png",
        "a skid steer loader behind a farm",
        skid_steer,
        BOBCAT_ORANGE,
        BOBCAT_WHITE,
        (Decal("Bobcat", 1022, 672, 46, BLACK, slant=0.1), Decal("S650", 1030, 742, 38, BLACK)),
        machine("Bobcat", "S650", "skid steer loader"),
        ground=(134, 126, 90),
        turn=-1.2,
        zoom=1.15,
        grain=1.5,
        size=(1000, 750),
        dirt=0.4,
    ),
    Scene(
        "volvo-a40g.jpg",
        "an articulated hauler in the mud",
        dump_truck,
        VOLVO_YELLOW,
        VOLVO_GREY,
        (
            Decal("VOLVO", 1060, 650, 84, VOLVO_GREY, turn=2.0),
            Decal("A40G", 275, 702, 38, BLACK, turn=3),
        ),
        machine("Volvo", "A40G", "articulated dump truck"),
        sky=(150, 156, 164),
        ground=(104, 86, 66),
        lean=0.03,
        turn=1.0,
        light=0.88,
        grain=6,
        quality=74,
    ),
    Scene(
        "case-580st.jpg",
        "a backhoe loader photographed through drizzle",
        backhoe_loader,
        CASE_ORANGE,
        (66, 66, 68),
        (Decal("CASE", 520, 685, 52, BLACK), Decal("580ST", 695, 815, 34, BLACK, font="Bold")),
        machine("Case", "580ST", "backhoe loader"),
        sky=(168, 172, 176),
        ground=(122, 116, 106),
        lean=-0.02,
        turn=-1.4,
        blur=1.2,
        grain=7,
        light=0.92,
        quality=62,
    ),
    Scene(
        "unmarked-dozer.jpg",
        "a crawler dozer whose decals are gone",
        dozer,
        (206, 160, 52),
        (70, 68, 64),
        (),
        machine(None, None, None),
        ground=(126, 104, 78),
        turn=1.1,
        dirt=1.0,
    ),
)


def encoded(picture: Image.Image, scene: Scene) -> bytes:
    target = io.BytesIO()
    if scene.file.endswith(".jpg"):
        picture.save(target, "JPEG", quality=scene.quality, optimize=True)
    elif scene.file.endswith(".webp"):
        picture.save(target, "WEBP", quality=scene.quality, method=6)
    else:
        # A palette keeps a PNG of a photograph at a size that a repository can bear.
        picture.quantize(128, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()


def main() -> None:
    expected = {}
    for seed, scene in enumerate(SCENES, start=2024):
        data = encoded(photograph(scene, seed), scene)
        (HERE / scene.file).write_bytes(data)
        known = scene.expected["model"] is not None
        expected[scene.file] = {"shows": scene.shows, **scene.expected, "isConfident": known}
        print(f"{scene.file}: {len(data) // 1024} KiB")
    (HERE / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
