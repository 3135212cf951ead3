from typing import Any

import pytest

from tu_common import topology
from tu_common.wiring import WiringError, wired

SHARED: dict[str, Any] = {
    "vhost": "/",
    "parking_suffix": ".parked",
    "topics": {},
    "exchanges": {"sold": {"name": "shop.sold", "type": "fanout"}},
    "routing_keys": {},
}
SHOP: dict[str, Any] = {
    "writes": ["sold"],
    "returns": "shop.returns",
    "queues": {"shop_sold": {"name": "shop.sold-here", "bindings": [{"exchange": "sold"}]}},
}


def test_a_queue_that_is_consumed_is_replicated_and_parks() -> None:
    made = wired(SHARED, {"shop": SHOP})
    # A quorum queue cannot be declared with other arguments while it is there.
    assert made["queues"]["shop_sold"]["arguments"] == {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "shop.returns",
        "x-dead-letter-routing-key": "shop.sold-here.parked",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    assert made["queues"]["shop_sold_parked"] == {
        "name": "shop.sold-here.parked",
        "arguments": {"x-queue-type": "quorum", "x-delivery-limit": -1},
    }
    assert made["exchanges"]["shop_returns"] == {"name": "shop.returns", "type": "direct"}
    assert {tuple(binding.values()) for binding in made["bindings"]} == {
        ("shop.sold", "shop.sold-here", ""),
        ("shop.returns", "shop.sold-here", "shop.sold-here"),
        ("shop.returns", "shop.sold-here.parked", "shop.sold-here.parked"),
    }


def test_a_service_may_use_what_it_names_and_owns() -> None:
    assert wired(SHARED, {"shop": SHOP, "idle": None})["users"] == {
        "shop": {
            "write": ["shop.sold", "shop.returns"],
            "read": ["shop.sold-here", "shop.sold-here.parked"],
        },
        "idle": {"write": [], "read": []},
    }


def test_a_queue_with_arguments_is_made_as_it_says() -> None:
    stream = {"log": {"name": "log", "arguments": {"x-queue-type": "stream"}}}
    made = wired(SHARED, {"reader": {"queues": stream}})
    assert made["queues"] == stream


def test_an_exchange_of_one_service_can_be_used_by_another() -> None:
    owner = {"exchanges": {"returned": {"name": "shop.returned", "type": "fanout"}}}
    made = wired(SHARED, {"writer": {"writes": ["returned"]}, "zoo": owner})
    assert made["users"]["writer"]["write"] == ["shop.returned"]


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"writes": ["bought"]}, "exchanges has no bought; there are sold"),
        ({"write": ["sold"]}, "has write, and it takes"),
        ({"queues": {"q": {"name": "q"}}}, "queue q needs a way back"),
        ({"queues": {"q": {"name": "q", "args": {}}}}, "queue q has args"),
        ({"exchanges": {"mine": {"name": "shop.sold", "type": "fanout"}}}, "is there already"),
        ({"exchanges": {"sold": {"name": "other", "type": "fanout"}}}, "is there already"),
    ],
)
def test_a_mistake_is_named(own: dict[str, Any], says: str) -> None:
    with pytest.raises(WiringError, match=says):
        wired(SHARED, {"me": own})


def test_the_sources_of_all_services_are_one_topology() -> None:
    assert {"graph-gateway", "svc-messaging-bridge"} <= set(topology.load().users)
