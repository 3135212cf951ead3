"""What every Kafka client is configured with, and whether the brokers can be reached."""

import contextlib
import logging
import time
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException
from pydantic import SecretStr

_log = logging.getLogger(__name__)

_MAX_MESSAGE = 2 * 1024**2


class Settings(Protocol):
    """The part of ``KafkaSettings`` that a connection needs."""

    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_security_protocol(self) -> str: ...
    @property
    def kafka_sasl_mechanism(self) -> str: ...
    @property
    def kafka_sasl_username(self) -> str: ...
    @property
    def kafka_sasl_password(self) -> SecretStr: ...
    @property
    def kafka_ca_file(self) -> str: ...


def configuration(settings: Settings, client_id: str) -> dict[str, Any]:
    """What producers and consumers have in common."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "security.protocol": settings.kafka_security_protocol,
        "client.id": client_id,
        "reconnect.backoff.max.ms": 5000,
        "socket.keepalive.enable": True,
        "topic.metadata.refresh.interval.ms": 15000,
        "allow.auto.create.topics": False,
        "message.max.bytes": _MAX_MESSAGE,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_sasl_username
        config["sasl.password"] = settings.kafka_sasl_password.get_secret_value()
    if settings.kafka_ca_file:
        config["ssl.ca.location"] = settings.kafka_ca_file
    return config


class Reachable:
    """Whether the brokers can be reached, as far as a client knows without asking all the time.

    Asked on the client's own thread only: a question from another one waits behind its polling.
    """

    def __init__(self) -> None:
        self.now = False
        self._asked = 0.0

    def on_error(self, error: KafkaError) -> None:
        _log.warning("Kafka: %s", error.str())
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.now = False

    def ask_if_unknown(self, client: Any) -> None:
        if self.now or time.monotonic() - self._asked < 1.0:
            return
        with contextlib.suppress(KafkaException):
            client.list_topics(timeout=1.0)
            self.now = True
        self._asked = time.monotonic()
