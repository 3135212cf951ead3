import pytest

from svc_messaging_bridge.routes import Routes, from_topics, routes, to_topic
from svc_messaging_bridge.settings import Settings
from tu_common import topology
from tu_common.messaging import Effect, InvalidMessage, Message
from tu_common.messaging.memory import MemoryBroker
from tu_common.settings import SettingsError, load

NAMES = topology.load()
ENVIRONMENT = {
    "RABBITMQ_HOST": "h",
    "RABBITMQ_USER": "u",
    "RABBITMQ_PASSWORD": "p",
    "KAFKA_BOOTSTRAP_SERVERS": "k:9092",
}


def planned(**changes: str) -> Routes:
    return routes(load(Settings, {**ENVIRONMENT, **changes}), NAMES)


def test_the_routes_are_those_of_the_contract() -> None:
    assert planned().to_rabbitmq == {
        "tu.images.uploaded": "tu.image.uploaded",
        "tu.recognition.completed": "tu.recognition.completed",
    }
    assert planned().to_kafka == {"bridge.analysis-requests": "analysis.recognition.request"}


def test_a_peer_with_other_names_is_a_setting_away() -> None:
    changed = planned(TOPIC_IMAGES_UPLOADED="tu.image.uploaded.v0")
    assert changed.to_rabbitmq["tu.image.uploaded.v0"] == "tu.image.uploaded"


@pytest.mark.parametrize("body", [b"{}", b"\x00\xff", b'{"new": [1]}', b"x" * 100_000])
def test_a_body_passes_untouched(body: bytes) -> None:
    message = Message(body, {"x-any": "kept"}, "t-0-1", "c", "key", source="tu.images.uploaded")
    (effect,) = from_topics(planned().to_rabbitmq)(message)
    assert effect.destination == "tu.image.uploaded"
    assert effect.message == message
    (effect,) = to_topic("topic")(message)
    assert effect.destination == "topic"
    assert effect.message == message


def test_an_empty_message_is_parked() -> None:
    broker = MemoryBroker()
    topic = NAMES.topic("images_uploaded")
    broker.producer().publish(Effect(topic, Message(b"")))
    broker.producer().publish(Effect(topic, Message(b"{}", correlation_id="c")))
    consumer = broker.topic_consumer([topic], effects=broker.publisher(), parking=broker.producer())
    assert consumer.drain(from_topics(planned().to_rabbitmq)) == 2
    assert [item.headers["x-parked-reason"] for item in broker.parked(topic)] == ["empty"]
    (arrived,) = broker.pending(NAMES.queue("orchestrator_image_uploaded"))
    assert arrived.message_id == f"{topic}-0-1"
    assert arrived.correlation_id == "c"


def test_an_empty_message_is_invalid_both_ways() -> None:
    with pytest.raises(InvalidMessage):
        to_topic("topic")(Message(b""))


def test_settings_say_what_is_missing() -> None:
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        load(Settings, {k: v for k, v in ENVIRONMENT.items() if "KAFKA" not in k})
