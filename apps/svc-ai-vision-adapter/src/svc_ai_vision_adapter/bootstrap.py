"""Wires the service from its settings."""

from dataclasses import dataclass
from pathlib import Path

from svc_ai_vision_adapter.domain.catalogue import load_catalogue
from svc_ai_vision_adapter.handler import PRODUCER, Recognise
from svc_ai_vision_adapter.media import HttpMedia
from svc_ai_vision_adapter.providers import RecognitionProvider
from svc_ai_vision_adapter.providers.tesseract import TesseractProvider
from svc_ai_vision_adapter.settings import Settings
from tu_common.health import Health
from tu_common.messaging.kafka import KafkaConsumer, KafkaProducer


@dataclass(frozen=True)
class Service:
    health: Health
    producer: KafkaProducer
    consumer: KafkaConsumer
    handler: Recognise

    def stop(self) -> None:
        """Take nothing new; `run` returns when the picture at hand is done."""
        self.health.drain()
        self.consumer.stop()

    def run(self) -> None:
        try:
            self.consumer.run(self.handler)
        finally:
            self.producer.close()


def provider_of(settings: Settings) -> RecognitionProvider:
    path = Path(settings.catalogue_file) if settings.catalogue_file else None
    return TesseractProvider(
        load_catalogue(path),
        confident_from=settings.confident_from,
        max_results=settings.max_results,
        time_budget=settings.recognition_seconds,
    )


def build(settings: Settings) -> Service:
    provider = provider_of(settings)
    producer = KafkaProducer(settings, client_id=PRODUCER)
    consumer = KafkaConsumer(
        settings,
        group=settings.consumer_group,
        topics=[settings.topic_images_uploaded, settings.topic_recognition_request],
        effects=producer,
        parking=producer,
        client_id=PRODUCER,
        # One picture takes a core for seconds; more at a time would only wait for each other.
        window=1,
    )
    handler = Recognise(
        HttpMedia(settings.ingestion_url, max_bytes=settings.picture_max_bytes),
        provider,
        topic=settings.topic_recognition_completed,
        max_pixels=settings.picture_max_pixels,
    )
    health = Health(
        ready={
            "kafka-consumer": consumer.ready,
            "kafka-producer": producer.ready,
            "provider": provider.ready,
        }
    )
    return Service(health, producer, consumer, handler)
