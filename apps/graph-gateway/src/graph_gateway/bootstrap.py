"""Wires the parts together."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from flask import Flask

from graph_gateway import metrics, schema
from graph_gateway.app import create_app
from graph_gateway.documents import Documents, Limits
from graph_gateway.events import EventHub, EventReader
from graph_gateway.execution import Executor
from graph_gateway.ingestion import IngestionClient
from graph_gateway.keys import OidcKeys, https_fetch
from graph_gateway.service import Ingestion, Uploads
from graph_gateway.settings import Settings
from graph_gateway.sockets.options import SocketOptions
from graph_gateway.sockets.server import SocketServer
from graph_gateway.tokens import TokenVerifier
from tu_common import ownership, topology
from tu_common.health import Health
from tu_common.messaging import InvalidMessage, Message
from tu_common.messaging.core import Publisher
from tu_common.messaging.rabbit import RabbitPublisher, StreamReader

_log = logging.getLogger(__name__)


class Stream(Protocol):
    def run(self, on_message: Callable[[Message], None]) -> None: ...

    def stop(self) -> None: ...

    def ready(self) -> bool: ...


@dataclass
class Adapters:
    """Everything outside the process; tests bring their own."""

    keys: OidcKeys
    ingestion: Ingestion
    publisher: Publisher
    stream: Stream


def real_adapters(settings: Settings) -> Adapters:
    name = "graph-gateway"
    return Adapters(
        keys=OidcKeys(settings.oidc_issuer, https_fetch(settings.oidc_ca_file)),
        ingestion=IngestionClient(settings.ingestion_url, timeout=settings.ingestion_timeout),
        publisher=RabbitPublisher(settings, client_id=name),
        stream=StreamReader(
            settings,
            queue=topology.load().queue("gateway_analysis_events"),
            client_id=name,
            replay_seconds=settings.event_replay_seconds,
        ),
    )


class Gateway:
    """One running gateway: made in the process that serves, for it starts threads."""

    def __init__(self, settings: Settings, adapters: Adapters) -> None:
        self.settings = settings
        self._adapters = adapters
        key = settings.correlation_key.get_secret_value().encode()
        hub = EventHub(
            partial(ownership.owns, key),
            keep_seconds=settings.event_replay_seconds,
            queue_size=settings.subscription_queue_size,
        )
        built = schema.build()
        limits = Limits(
            max_depth=settings.graphql_max_depth,
            max_aliases=settings.graphql_max_aliases,
            max_fields=settings.graphql_max_fields,
            introspection=settings.graphql_introspection,
        )
        executor = Executor(
            schema=built,
            documents=Documents(built, limits),
            verifier=TokenVerifier(
                adapters.keys,
                issuer=settings.oidc_issuer,
                audience=settings.oidc_audience,
                scope=settings.oidc_scope,
            ),
            uploads=Uploads(
                ingestion=adapters.ingestion,
                publisher=adapters.publisher,
                correlation_key=key,
                commands_exchange=settings.exchange_analysis_commands,
                request_routing_key=topology.load().routing_keys["analysis_request"],
            ),
            hub=hub,
        )
        options = SocketOptions(
            init_timeout=settings.websocket_init_timeout,
            ping_interval=settings.websocket_ping_interval,
            max_operations=settings.websocket_max_operations,
        )
        self.sockets = SocketServer(
            executor, hub, options, max_sockets=settings.websocket_max_connections
        )
        self._events = EventReader(
            settings.exchange_analysis_started, settings.exchange_analysis_completed
        )
        self.health = Health(
            ready={"issuer_keys": adapters.keys.loaded, "event_stream": adapters.stream.ready},
            live={"websockets": self.sockets.alive, "event_reader": self._reading},
        )
        self.app: Flask = create_app(executor, self.sockets, self.health)
        self._reader = threading.Thread(target=self._read_events, name="events", daemon=True)

    def start(self) -> None:
        self.sockets.start()
        self._adapters.keys.start()
        self._reader.start()

    def drain(self) -> None:
        """Take nothing new and send WebSockets elsewhere; requests under way go on."""
        self.health.drain()
        self.sockets.drain()

    def stop(self) -> None:
        self._adapters.stream.stop()
        self._adapters.keys.stop()
        self._adapters.publisher.close()
        self.sockets.stop()

    def _reading(self) -> bool:
        return self._reader.is_alive()

    def _read_events(self) -> None:
        self._adapters.stream.run(self._on_message)

    def _on_message(self, message: Message) -> None:
        try:
            event = self._events.read(message)
        except InvalidMessage:
            metrics.EVENTS_UNREADABLE.inc()
            raise
        _log.info("event", extra={"kind": event.kind.value, "objectKey": event.object_key})
        self.sockets.publish(event)
