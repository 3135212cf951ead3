"""The machines. Each stands on the line y = 1000."""

from drawing.canvas import BLACK, GLASS, STEEL, WHITE, Canvas, Colour, darker


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
