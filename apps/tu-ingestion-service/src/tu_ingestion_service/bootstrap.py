"""Wires the service from its settings."""

import logging
import random
import threading
import time
from dataclasses import dataclass

from flask import Flask

from tu_common.health import Health
from tu_common.messaging.kafka import KafkaProducer
from tu_ingestion_service.api import create_app
from tu_ingestion_service.ingestion import PRODUCER, Ingestion, Limits
from tu_ingestion_service.settings import Settings
from tu_ingestion_service.storage import S3Storage

log = logging.getLogger(__name__)

_SWEEP_EVERY = 3600


@dataclass(frozen=True)
class Service:
    app: Flask
    health: Health
    producer: KafkaProducer

    def close(self) -> None:
        self.health.drain()
        self.producer.close()


def build(settings: Settings) -> Service:
    # Kafka is given less time than the request waits, so that an announcement that was answered
    # with 503 is not made after all.
    producer = KafkaProducer(
        settings, client_id=PRODUCER, delivery_timeout=settings.publish_timeout_seconds * 0.9
    )
    storage = S3Storage(settings)
    health = Health(ready={"kafka": producer.ready, "storage": storage.ready})
    ingestion = Ingestion(
        storage,
        producer,
        topic=settings.topic_images_uploaded,
        limits=Limits(
            max_bytes=settings.upload_max_bytes,
            upload_url_seconds=settings.upload_url_seconds,
            media_url_seconds=settings.media_url_seconds,
            publish_timeout_seconds=settings.publish_timeout_seconds,
            unconfirmed_seconds=settings.unconfirmed_seconds,
        ),
    )
    # A daemon: a sweep that is cut short is finished by the next one, of any replica.
    threading.Thread(target=_sweep, args=(ingestion,), name="sweep", daemon=True).start()
    return Service(create_app(ingestion, health), health, producer)


def _sweep(ingestion: Ingestion) -> None:
    while True:
        # Spread, so that replicas that started together do not all look at the same things.
        time.sleep(_SWEEP_EVERY * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            log.info("unconfirmed uploads deleted", extra={"uploads": ingestion.sweep()})
        except Exception:
            log.exception("unconfirmed uploads could not be deleted; the next sweep tries again")
