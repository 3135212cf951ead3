"""The scenery, and what light, dirt, a lens and a careless photographer make of a machine in it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from drawing.canvas import HEIGHT, WIDTH, Canvas, Colour, Decal


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
