"""From words that were read to the machine that they speak of.

Every span of neighbouring words is compared with every maker and every model code. What is found
is weighed by how sure the reader was, and one answer is drawn from all of it: a maker and a code
that belong together support each other; a code too short to stand alone counts only beside its
maker.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from svc_ai_vision_adapter.domain.catalogue import Brand, Catalogue, Model
from svc_ai_vision_adapter.domain.recognition import Aggregate, Line
from svc_ai_vision_adapter.domain.text import code_similarity, squeeze, word_similarity

# "BW 213 D-5" is read as up to four words.
_LONGEST_SPAN = 4
# What a stem says less than the whole code, and a code inside a longer word less than a word.
_STEM = 0.97
_INSIDE = 0.9
# A code that tells its maker is trusted this much where the maker itself was not read.
_CODE_ALONE = 0.85
# A maker without a model: right perhaps, but not what was asked for.
_MAKER_ALONE = 0.6
# The longer of two codes that begin alike is believed down to this share of the shorter's weight.
_LONGER_FROM = 0.8
# Fainter than this, an answer is noise that happens to look like one.
_FAINTEST_ANSWER = 0.4
_FAINTEST_TYPE = 0.6
# Fainter than this, a maker is not evidence enough to lend weight to a short code.
_MAKER_BESIDE = 0.45

TYPE_FROM_MODEL = "model"
TYPE_FROM_TEXT = "text"
TYPE_FROM_BRAND = "brand"


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring words taken together."""

    text: str
    confidence: float
    words: int


@dataclass(slots=True)
class Evidence:
    """The best sight of each maker, model and type so far; grows as more is read."""

    brands: dict[str, float] = field(default_factory=dict)
    models: dict[Model, float] = field(default_factory=dict)
    types: dict[str, float] = field(default_factory=dict)


def spans(line: Line) -> Iterator[Span]:
    words = [(squeeze(word.text), word.confidence) for word in line]
    words = [(text, confidence) for text, confidence in words if text]
    for start in range(len(words)):
        for length in range(1, min(_LONGEST_SPAN, len(words) - start) + 1):
            taken = words[start : start + length]
            # As sure as its least sure word: one guessed digit is another machine.
            yield Span("".join(text for text, _ in taken), min(c for _, c in taken), length)


def _weigh(similarity: float, confidence: float) -> float:
    # Tesseract is often unsure of a decal that it read without a fault, so that its doubt counts
    # for half: a text that fits the catalogue to the letter is seldom there by chance.
    return similarity * (0.5 + 0.5 * confidence)


def _brand_score(brand: Brand, span: Span) -> float:
    best = 0.0
    for spelling in brand.spellings:
        similarity = word_similarity(span.text, spelling)
        if not similarity and len(spelling) >= 5 and len(span.text) > len(spelling):
            similarity = _INSIDE if spelling in span.text else 0.0
        score = _weigh(similarity, span.confidence)
        if len(spelling) < 4:
            # Three letters turn up in the noise of leaves and gravel; then the reader is unsure.
            score *= span.confidence**0.5
        best = max(best, score)
    return best


def _model_score(model: Model, span: Span) -> float:
    best = 0.0
    # Short codes, like short names, turn up in noise.
    trust = span.confidence**0.5 if len(model.codes[0].squeezed) <= 3 else 1.0
    for code in model.codes:
        similarity = code_similarity(span.text, code.squeezed, code.folded)
        if not similarity and len(code.squeezed) >= 5 and not code.squeezed.isdigit():
            # Words run together: VOLVOEC220E. What follows must not go on with digits.
            head, found, tail = span.text.partition(code.squeezed)
            if found and not head[-1:].isdigit() and not tail[:1].isdigit():
                similarity = _INSIDE
        if not code.whole:
            similarity *= _STEM
        best = max(best, _weigh(similarity, span.confidence) * trust)
    return best


def gather(evidence: Evidence, catalogue: Catalogue, lines: Iterable[Line]) -> None:
    """Add what these lines say to the evidence."""
    seen = {span for line in lines for span in spans(line)}
    for span in seen:
        for brand in catalogue.brands:
            if score := _brand_score(brand, span):
                evidence.brands[brand.name] = max(score, evidence.brands.get(brand.name, 0.0))
            for model in brand.models:
                if score := _model_score(model, span):
                    evidence.models[model] = max(score, evidence.models.get(model, 0.0))
        for machine_type in catalogue.types:
            similarity = max(word_similarity(span.text, word) for word in machine_type.words)
            if score := _weigh(similarity, span.confidence):
                known = evidence.types.get(machine_type.name, 0.0)
                evidence.types[machine_type.name] = max(score, known)


@dataclass(frozen=True, slots=True)
class _Candidate:
    brand: str
    model: Model | None
    confidence: float

    @property
    def code(self) -> str:
        return self.model.codes[0].squeezed if self.model else ""

    @property
    def rank(self) -> tuple[float, int]:
        return (self.confidence, len(self.code))

    def extends(self, other: "_Candidate") -> bool:
        """Whether this is the other with more of its decal read: "950 GC" beside "950"."""
        return (
            self.brand == other.brand
            and len(self.code) > len(other.code) > 0
            and self.code.startswith(other.code)
            and self.confidence >= other.confidence * _LONGER_FROM
        )


def _candidates(evidence: Evidence) -> Iterator[_Candidate]:
    for brand, score in evidence.brands.items():
        yield _Candidate(brand, None, score * _MAKER_ALONE)
    for model, score in evidence.models.items():
        beside = evidence.brands.get(model.brand, 0.0)
        if beside >= _MAKER_BESIDE:
            # Two independent sights of one machine: the maker takes away up to half of the doubt
            # that is left about the code, and no more, since it says nothing about the model.
            yield _Candidate(model.brand, model, 1 - (1 - score) * (1 - 0.5 * beside))
        elif model.distinctive:
            yield _Candidate(model.brand, model, score * _CODE_ALONE)


def conclude(
    evidence: Evidence, catalogue: Catalogue, *, confident_from: float, max_results: int
) -> Aggregate:
    """The one answer that the evidence supports."""
    likely = (each for each in _candidates(evidence) if each.confidence >= _FAINTEST_ANSWER)
    ranked = sorted(likely, key=lambda each: each.rank, reverse=True)[:max_results]
    if not ranked:
        name, score, source = _type_read(evidence)
        return Aggregate(type=name, type_confidence=score, type_source=source)
    best = ranked[0]
    for candidate in ranked[1:]:
        if candidate.extends(best):
            best = candidate
    type_name, type_score, type_source = _type_of(best, evidence, catalogue)
    return Aggregate(
        brand=best.brand,
        type=type_name,
        model=best.model.name if best.model else None,
        confidence=best.confidence,
        # A maker alone is an answer, but never one to rely on.
        is_confident=best.model is not None and best.confidence >= confident_from,
        type_confidence=type_score,
        type_source=type_source,
        name=f"{best.brand} {best.model.name}" if best.model else best.brand,
    )


def _type_read(evidence: Evidence) -> tuple[str | None, float, str | None]:
    name, score = max(evidence.types.items(), key=lambda item: item[1], default=("", 0.0))
    return (name, score, TYPE_FROM_TEXT) if score >= _FAINTEST_TYPE else (None, 0.0, None)


def _type_of(
    best: _Candidate, evidence: Evidence, catalogue: Catalogue
) -> tuple[str | None, float, str | None]:
    if best.model:
        return best.model.type, best.confidence, TYPE_FROM_MODEL
    if (read := _type_read(evidence))[0]:
        return read
    brand = next(each for each in catalogue.brands if each.name == best.brand)
    made = {model.type for model in brand.models}
    if len(made) == 1:
        return made.pop(), best.confidence, TYPE_FROM_BRAND
    return None, 0.0, None
