"""Producing to Kafka from any thread, with the broker's word for each message."""

import functools
import logging
import threading
import time
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from tu_common.messaging.core import Effect, InvalidMessage, TransientError
from tu_common.messaging.futures import promised, settle, wait_for
from tu_common.messaging.kafka.connection import Reachable, Settings, configuration
from tu_common.messaging.kafka.wire import to_headers

_log = logging.getLogger(__name__)


class KafkaProducer:
    """Publishes from any thread, idempotently and with acks=all; see ``core.Publisher``.

    ``submit`` ends with ``TransientError`` where Kafka has not confirmed within
    ``delivery_timeout`` seconds; a message given up like this may have arrived all the same.
    """

    def __init__(self, settings: Settings, client_id: str, delivery_timeout: float = 30.0) -> None:
        self._reachable = Reachable()
        self._config = {
            **configuration(settings, client_id),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "delivery.timeout.ms": int(delivery_timeout * 1000),
            "error_cb": self._reachable.on_error,
        }
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._broken = False
        self._producer = Producer(self._config, logger=_log)
        self._thread = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._thread.start()

    def submit(self, effect: Effect) -> "Future[None]":
        future = promised(effect.destination)
        message = effect.message
        try:
            with self._lock:
                if self._closing.is_set():
                    raise TransientError("the producer is closed")
                self._producer.produce(
                    effect.destination,
                    value=message.body,
                    key=message.key.encode("utf-8", "surrogateescape") or None,
                    headers=to_headers(message),
                    on_delivery=functools.partial(self._on_delivery, future),
                )
        except TransientError as error:
            settle(future, error)
        except KafkaException as error:
            self._broken = self._broken or error.args[0].code() == KafkaError._FATAL
            settle(future, _meaning(error.args[0]))
        except BufferError:
            settle(future, TransientError("Kafka's producer queue is full"))
        except UnicodeError as error:
            settle(future, InvalidMessage("unencodable", str(error)))
        return future

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        wait_for(self.submit(effect), timeout)

    def ready(self) -> bool:
        return self._thread.is_alive() and self._reachable.now

    def close(self, timeout: float = 10.0) -> None:
        deadline = time.monotonic() + timeout
        with self._lock:
            self._closing.set()
        self._producer.flush(timeout)
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _poll(self) -> None:
        while not self._closing.is_set():
            try:
                self._producer.poll(0.2)
                self._reachable.ask_if_unknown(self._producer)
                if self._broken:
                    self._renew()
            except Exception:
                # Without this thread no delivery would ever be reported again.
                _log.exception("the Kafka producer's thread goes on after an unexpected error")
                self._closing.wait(1.0)

    def _renew(self) -> None:
        """librdkafka keeps order and uniqueness by refusing to go on; a new producer can."""
        with self._lock:
            old, self._producer = self._producer, Producer(self._config, logger=_log)
            self._broken = False
        old.purge()
        old.flush(1.0)

    def _on_delivery(self, future: "Future[None]", error: KafkaError | None, _: Any) -> None:
        if error is None:
            self._reachable.now = True
            settle(future)
            return
        if error.fatal() or error.code() == KafkaError._FATAL:
            _log.error("Kafka's producer starts anew: %s", error.str())
            self._broken = True
        settle(future, _meaning(error))


def _meaning(error: KafkaError) -> Exception:
    if error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG):
        return InvalidMessage("too-large", error.str())
    return TransientError(f"Kafka: {error.str()}")
