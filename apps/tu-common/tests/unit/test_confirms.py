"""Which message a confirm or a return of RabbitMQ is about, with no broker."""

from concurrent.futures import Future
from typing import Any

import pika

from tu_common.messaging import Effect, Message, TransientError, Unroutable
from tu_common.messaging.rabbit.confirms import Confirms, Item


def published(confirms: Confirms, count: int, routing_key: str = "k") -> list["Future[None]"]:
    items = []
    for number in range(count):
        effect = Effect("x", Message(b"", message_id=f"{number}"), routing_key=routing_key)
        items.append(Item(effect, Future(), pika.BasicProperties()))
        confirms.published(items[-1])
    return [item.future for item in items]


def give_back(confirms: Confirms, message_id: str) -> None:
    method: Any = pika.spec.Basic.Return(exchange="x", routing_key="k")
    confirms.on_return(None, method, pika.BasicProperties(message_id=message_id), b"")


def test_one_confirm_may_stand_for_all_up_to_it() -> None:
    confirms = Confirms()
    futures = published(confirms, 4)
    confirms.on_confirm(pika.spec.Basic.Ack(2))
    assert [future.done() for future in futures] == [False, True, False, False]
    confirms.on_confirm(pika.spec.Basic.Ack(3, multiple=True))
    assert [future.done() for future in futures] == [True, True, True, False]
    assert len(confirms) == 1


def test_what_the_broker_refuses_may_be_tried_again() -> None:
    confirms = Confirms()
    (future,) = published(confirms, 1)
    confirms.on_confirm(pika.spec.Basic.Nack(1))
    assert isinstance(future.exception(0), TransientError)


def test_a_returned_message_is_unroutable_though_it_is_confirmed() -> None:
    confirms = Confirms()
    futures = published(confirms, 2)
    give_back(confirms, "1")
    confirms.on_confirm(pika.spec.Basic.Ack(2, multiple=True))
    assert futures[0].exception(0) is None
    assert isinstance(futures[1].exception(0), Unroutable)


def test_what_is_not_confirmed_is_taken_in_order_and_a_new_channel_counts_anew() -> None:
    confirms = Confirms()
    first = published(confirms, 3)
    confirms.on_confirm(pika.spec.Basic.Ack(1))
    assert [item.future for item in confirms.take()] == first[1:]
    assert not confirms
    confirms.on_channel()
    (again,) = published(confirms, 1)
    confirms.on_confirm(pika.spec.Basic.Ack(1))
    assert again.exception(0) is None
