"""Comparing what was read with what is printed on machines."""

import re

from rapidfuzz.distance import Editop, Levenshtein

_NOT_ALPHANUMERIC = re.compile(r"[^A-Z0-9]")

# Characters that OCR takes for one another, each mapped to one representative.
_CONFUSED = str.maketrans("OQDILZSBG", "000112586")

EXACT = 1.0
FOLDED = 0.93
ONE_EDIT = 0.82


def squeeze(text: str) -> str:
    """Upper case, and nothing but letters and digits."""
    # '|' is read for I and l so often that losing it would lose the character.
    return _NOT_ALPHANUMERIC.sub("", text.upper().replace("|", "I"))


def fold(squeezed: str) -> str:
    """The text with characters that OCR confuses made equal."""
    return squeezed.translate(_CONFUSED)


def code_similarity(read: str, code: str, code_folded: str) -> float:
    """How well a squeezed text that was read fits a model code, from 0 to 1.

    Digits carry the meaning of a code (WA320 and WA380 are two machines), so a digit of the code
    is never forgiven, unless the character read in its place is one that OCR confuses with it.
    """
    if read == code:
        return EXACT
    # Two characters long, a code is only itself: folding would make S5 of every 55.
    if len(code) <= 2:
        return 0.0
    read_folded = fold(read)
    if read_folded == code_folded:
        # Nothing but letters was read for a code that has digits: this is a word, not a code.
        return 0.0 if read.isalpha() and not code.isalpha() else FOLDED
    if len(code) >= 6 and abs(len(read) - len(code)) <= 1:
        operations = list(Levenshtein.editops(read_folded, code_folded))
        if len(operations) == 1 and not _touches_digit(operations[0], read, code):
            return ONE_EDIT
    return 0.0


def _touches_digit(operation: Editop, read: str, code: str) -> bool:
    """An extra or a lost digit makes another code; so does a letter in place of a digit."""
    return (operation.tag != "delete" and code[operation.dest_pos].isdigit()) or (
        operation.tag != "insert" and read[operation.src_pos].isdigit()
    )


def word_similarity(read: str, word: str) -> float:
    """How well a squeezed text that was read fits a maker's or a type's name, from 0 to 1."""
    if read == word:
        return EXACT
    if len(word) < 4:
        # Three letters are too few to be forgiven: CAR is not CAT.
        return FOLDED if fold(read) == fold(word) and not read.isdigit() else 0.0
    similarity = Levenshtein.normalized_similarity(fold(read), fold(word))
    # One error in four to seven letters, two from eight on.
    allowed = 1 if len(word) < 8 else 2
    if round((1 - similarity) * max(len(read), len(word))) > allowed:
        return 0.0
    return similarity
