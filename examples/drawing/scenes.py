"""What the example pictures show, and what has to be recognised on each."""

from drawing.camera import Scene
from drawing.canvas import BLACK, WHITE, Colour, Decal
from drawing.machines import (
    backhoe_loader,
    crane,
    dozer,
    dump_truck,
    excavator,
    mini_excavator,
    roller,
    skid_steer,
    telehandler,
    wheel_loader,
)

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
