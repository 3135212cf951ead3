"""Makes the example pictures and expected.json, the same each time.

    pip install pillow numpy font-roboto
    python examples/make_pictures.py

Each picture is a scene drawn in layers (sky, horizon, ground, shadow, machine with its decals) and
then treated as a camera and a careless photographer would: light, dirt, perspective, a slight
turn, defocus, grain, vignette, compression.
"""

import io
import json
from pathlib import Path

from drawing.camera import Scene, photograph
from drawing.scenes import SCENES
from PIL import Image

HERE = Path(__file__).resolve().parent


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
