"""Connecting to RabbitMQ, and connecting again after a connection was lost."""

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, Protocol

import pika
import pika.exceptions
from pydantic import SecretStr

from tu_common.messaging.backoff import Backoff

_log = logging.getLogger(__name__)

ERRORS = (pika.exceptions.AMQPError, OSError)


class Settings(Protocol):
    """The part of ``RabbitSettings`` that a connection needs."""

    @property
    def rabbitmq_host(self) -> str: ...
    @property
    def rabbitmq_port(self) -> int: ...
    @property
    def rabbitmq_user(self) -> str: ...
    @property
    def rabbitmq_password(self) -> SecretStr: ...
    @property
    def rabbitmq_vhost(self) -> str: ...
    @property
    def rabbitmq_heartbeat(self) -> int: ...


def parameters(settings: Settings, client_id: str) -> pika.ConnectionParameters:
    return pika.ConnectionParameters(
        host=settings.rabbitmq_host,
        port=settings.rabbitmq_port,
        virtual_host=settings.rabbitmq_vhost,
        credentials=pika.PlainCredentials(
            settings.rabbitmq_user, settings.rabbitmq_password.get_secret_value()
        ),
        heartbeat=settings.rabbitmq_heartbeat,
        socket_timeout=5,
        stack_timeout=10,
        client_properties={"connection_name": client_id},
    )


def close(connection: Any) -> None:
    with contextlib.suppress(*ERRORS):
        if connection.is_open:
            connection.close()


class ReadLoop:
    """Reads a queue until ``stop``, over a new connection whenever one was lost."""

    def __init__(self, what: str) -> None:
        self.stopping = threading.Event()
        self.subscribed = False
        self._what = what

    def run(self, read: Callable[[], None]) -> None:
        """Call ``read``, which ends when its connection does, again and again."""
        backoff = Backoff()
        while not self.stopping.is_set():
            try:
                read()
            except ERRORS as error:
                if self.subscribed:
                    backoff.reset()
                _log.warning("RabbitMQ %s: %r", self._what, error)
            finally:
                self.subscribed = False
            self.stopping.wait(backoff.pause())

    def on_subscribed(self) -> None:
        _log.info("reading RabbitMQ %s", self._what)
        self.subscribed = True

    def serve(self, connection: Any, channel: Any) -> None:
        """Deliver until ``stop``; an exception where the broker ends the subscription."""
        while not self.stopping.is_set():
            connection.process_data_events(time_limit=0.25)
            if not channel.is_open or not channel.consumer_tags:
                raise pika.exceptions.ConsumerCancelled(self._what)
