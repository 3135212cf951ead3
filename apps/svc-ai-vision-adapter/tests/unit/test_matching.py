import pytest

from svc_ai_vision_adapter.domain.catalogue import CatalogueError, load_catalogue, parse_catalogue
from svc_ai_vision_adapter.domain.matching import Evidence, conclude, gather
from svc_ai_vision_adapter.domain.recognition import Aggregate, Word

CATALOGUE = load_catalogue()


def read(*lines: str, confidence: float = 0.9) -> Aggregate:
    evidence = Evidence()
    words = [tuple(Word(text, confidence) for text in line.split()) for line in lines]
    gather(evidence, CATALOGUE, words)
    return conclude(evidence, CATALOGUE, confident_from=0.75, max_results=10)


@pytest.mark.parametrize(
    ("lines", "brand", "model", "kind"),
    [
        (("VOLVO", "EC220E"), "Volvo", "EC220E", "excavator"),
        (("VOLVO EC220E",), "Volvo", "EC220E", "excavator"),
        (("VOLVOEC220E",), "Volvo", "EC220E", "excavator"),
        # What OCR makes of it.
        (("V0LVO", "EC22OE"), "Volvo", "EC220E", "excavator"),
        (("KOMATSU", "PC21OLC-ll"), "Komatsu", "PC210LC-11", "excavator"),
        (("L1EBHERR", "LTM 1060-3.1"), "Liebherr", "LTM 1060-3.1", "crane"),
        (("LIEBHERR", "LTM 1060 3 1"), "Liebherr", "LTM 1060-3.1", "crane"),
        (("LIEBHERR", "LTM 1060"), "Liebherr", "LTM 1060-3.1", "crane"),
        (("BOMAG", "BW 213 D-5"), "Bomag", "BW 213 D-5", "roller"),
        (("JCB", "3CX"), "JCB", "3CX", "backhoe loader"),
        (("Deere", "310L"), "John Deere", "310L", "backhoe loader"),
        (("DOOSAN", "DX225LC"), "Develon", "DX225LC-7", "excavator"),
        # The longer code, also where the reader was surer of the shorter.
        (("CAT", "950 GC", "950"), "Caterpillar", "950 GC", "wheel loader"),
        (("CAT", "950"), "Caterpillar", "950", "wheel loader"),
    ],
)
def test_what_is_written_on_machines(
    lines: tuple[str, ...], brand: str, model: str, kind: str
) -> None:
    found = read(*lines)
    assert (found.brand, found.model, found.type) == (brand, model, kind)
    assert found.is_confident
    assert found.type_source == "model"
    assert found.name == f"{brand} {model}"


@pytest.mark.parametrize(
    "line",
    [
        "WA370-8",  # not in the catalogue, one digit away from two that are
        "PC211LC-11",
        "PC2100LC-11",
    ],
)
def test_a_digit_is_never_forgiven(line: str) -> None:
    found = read("KOMATSU", line)
    assert (found.brand, found.model) == ("Komatsu", None)
    assert not found.is_confident


@pytest.mark.parametrize("lines", [("320",), ("D6",), ("140", "906"), ("CAR",), ("GET", "OUT")])
def test_short_codes_and_words_mean_nothing_alone(lines: tuple[str, ...]) -> None:
    assert read(*lines) == Aggregate()


def test_a_distinctive_code_tells_its_maker() -> None:
    found = read("PC210LC-11", confidence=1.0)
    assert (found.brand, found.model) == ("Komatsu", "PC210LC-11")
    assert found.confidence < read("PC210LC-11", "KOMATSU", confidence=1.0).confidence


def test_a_maker_alone_is_no_confident_answer() -> None:
    found = read("BOMAG")
    assert (found.brand, found.model, found.is_confident) == ("Bomag", None, False)
    assert (found.type, found.type_source) == ("roller", "brand")


def test_the_type_may_be_written() -> None:
    found = read("HITACHI", "EXCAVATOR")
    assert (found.brand, found.type, found.type_source) == ("Hitachi", "excavator", "text")


def test_nothing_read_is_an_answer() -> None:
    assert read() == Aggregate()
    assert read("lorem ipsum", "&%$", "2024") == Aggregate()


def test_doubt_of_the_reader_lowers_the_confidence() -> None:
    sure, unsure = read("JCB", "3CX", confidence=0.95), read("JCB", "3CX", confidence=0.3)
    assert sure.is_confident
    assert not unsure.is_confident


def test_the_catalogue_is_as_it_should_be() -> None:
    assert len(CATALOGUE.brands) >= 15
    for brand in CATALOGUE.brands:
        assert brand.models, brand.name
        names = [model.codes[0].squeezed for model in brand.models]
        doubled = {name for name in names if names.count(name) > 1}
        # John Deere uses some numbers for two kinds of machine.
        assert not doubled or brand.name == "John Deere", (brand.name, doubled)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"types": [{"name": "x", "words": []}], "brands": []},
        {"types": [{"name": "x", "words": []}], "brands": [{"name": "A", "models": {"y": ["1"]}}]},
        {"types": [{"name": "x", "words": []}], "brands": [{"name": "A", "models": {"x": [320]}}]},
    ],
)
def test_a_catalogue_that_cannot_be_right(document: object) -> None:
    with pytest.raises(CatalogueError):
        parse_catalogue(document)
