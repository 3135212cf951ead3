import sys

import pytest

from tu_common import topology

NAMES = topology.load()


def test_every_binding_joins_what_exists() -> None:
    exchanges = {exchange.name for exchange in NAMES.exchanges.values()}
    queues = {queue.name for queue in NAMES.queues.values()}
    for binding in NAMES.bindings:
        assert binding.exchange in exchanges
        assert binding.queue in queues


def test_every_queue_that_is_read_has_its_parking_queue_and_a_way_back() -> None:
    bound = {(b.exchange, b.queue, b.routing_key) for b in NAMES.bindings}
    queues = {queue.name for queue in NAMES.queues.values()}
    with_parking = [queue for queue in NAMES.queues.values() if queue.returns]
    assert with_parking
    for queue in with_parking:
        parked = NAMES.parked(queue.name)
        assert parked in queues
        assert (queue.returns, queue.name, queue.name) in bound
        assert (queue.returns, parked, parked) in bound
        assert queue.arguments["x-dead-letter-exchange"] == queue.returns
        assert queue.arguments["x-dead-letter-routing-key"] == parked


def test_every_topic_has_its_parking_topic() -> None:
    topics = {topic.name for topic in NAMES.topics.values()}
    for name in topics:
        assert name.endswith(NAMES.parking_suffix) or NAMES.parked(name) in topics


def test_who_reads_a_queue_may_park_from_it_and_put_back() -> None:
    for user in NAMES.users.values():
        for queue in NAMES.queues.values():
            if queue.name in user.read and queue.returns:
                assert queue.returns in user.write
                assert NAMES.parked(queue.name) in user.read


def test_in_a_services_image_the_topology_is_what_it_shares_and_owns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = next(path for path in sys.path if path.endswith("apps/svc-messaging-bridge/src"))
    monkeypatch.setattr(sys, "path", [bridge])
    alone = topology.load.__wrapped__()
    assert set(alone.users) == {"svc-messaging-bridge"}
    assert alone.queue("bridge_analysis_requests") == NAMES.queue("bridge_analysis_requests")
    assert alone.exchanges["image_uploaded"] == NAMES.exchanges["image_uploaded"]
    assert "orchestrator_image_uploaded" not in alone.queues
