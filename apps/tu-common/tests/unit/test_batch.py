"""How far a batch of Kafka's records may be committed, with no broker."""

from collections.abc import Sequence

from tu_common.messaging import Effect, Message, TransientError
from tu_common.messaging.kafka.batch import Batch, Record
from tu_common.messaging.work import Work
from tu_common.testing.fakes import RecordingPublisher


class Read:
    """A record as the client hands it over."""

    def __init__(self, partition: int, offset: int) -> None:
        self._partition, self._offset = partition, offset

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset


def nothing(_: Message) -> Sequence[Effect]:
    return []


def never(_: Message) -> Sequence[Effect]:
    raise TransientError("not now")


def batch(*records: tuple[int, int, bool]) -> Batch:
    """Records by partition and offset; those without success fail each time."""
    made = Batch()
    for partition, offset, good in records:
        publisher = RecordingPublisher()
        work = Work(
            Message(b"", source="t"),
            nothing if good else never,
            publisher,
            publisher,
            lambda message, _: Effect("parking", message),
        )
        made.add(Record(Read(partition, offset), work))
    return made


BOTH = [("t", 0), ("t", 1)]


def test_an_offset_is_committable_when_everything_up_to_it_is_done() -> None:
    made = batch((0, 7, True), (0, 8, False), (0, 9, True), (1, 3, True))
    assert made.committable(BOTH) == {}
    made.advance(begin=True)
    assert made.committable(BOTH) == {("t", 0): 8, ("t", 1): 4}
    assert [record.offset for record in made.open()] == [8]


def test_only_partitions_that_are_assigned_are_committed() -> None:
    made = batch((0, 7, True), (1, 3, True))
    made.advance(begin=True)
    assert made.committable([("t", 1)]) == {("t", 1): 4}


def test_what_another_member_reads_from_now_on_is_left_to_it() -> None:
    made = batch((0, 7, True), (1, 3, True))
    made.abandon([("t", 0)])
    made.advance(begin=True)
    assert made.committable(BOTH) == {("t", 1): 4}
    assert made.open() == []


def test_on_the_way_out_nothing_new_is_begun() -> None:
    made = batch((0, 7, True), (0, 8, True))
    made.advance(begin=False)
    assert made.open() == []
    assert made.committable(BOTH) == {}
