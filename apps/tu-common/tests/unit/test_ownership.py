import uuid

import pytest

from tu_common import ownership

KEY = b"k" * 32


def test_the_owner_is_recognised_and_nobody_else() -> None:
    for number in range(200):
        minted = ownership.mint(KEY, f"user-{number}")
        assert ownership.owns(KEY, minted, f"user-{number}")
        assert not ownership.owns(KEY, minted, f"user-{number + 1}")
        assert not ownership.owns(b"another key", minted, f"user-{number}")


def test_an_id_is_a_uuid_of_version_8() -> None:
    parsed = uuid.UUID(ownership.mint(KEY, "me"))
    assert parsed.version == 8
    assert parsed.variant == uuid.RFC_4122


def test_ids_differ() -> None:
    assert len({ownership.mint(KEY, "me") for _ in range(1000)}) == 1000


def test_any_changed_digit_is_noticed() -> None:
    minted = ownership.mint(KEY, "me")
    for place, digit in enumerate(minted):
        if digit == "-":
            continue
        changed = minted[:place] + f"{(int(digit, 16) + 1) % 16:x}" + minted[place + 1 :]
        assert not ownership.owns(KEY, changed, "me")


@pytest.mark.parametrize("other", ["", "x", str(uuid.uuid4()), "0" * 32, None])
def test_what_was_not_minted_belongs_to_nobody(other: str) -> None:
    assert not ownership.owns(KEY, other, "me")


def test_case_and_form_of_the_id_do_not_matter() -> None:
    minted = ownership.mint(KEY, "me")
    assert ownership.owns(KEY, minted.upper(), "me")


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        ownership.mint(b"", "me")
