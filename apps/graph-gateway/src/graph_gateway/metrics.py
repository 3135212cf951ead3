"""What is counted; names start with gateway_."""

from prometheus_client import Counter, Gauge, Histogram

OPERATIONS = Counter(
    "gateway_operations_total",
    "GraphQL operations by transport, root field and outcome (ok or error code)",
    ["transport", "field", "outcome"],
)
OPERATION_SECONDS = Histogram(
    "gateway_operation_seconds", "Time of queries and mutations", ["field"]
)
REFUSED = Counter(
    "gateway_refused_total", "Callers refused by transport and reason", ["transport", "reason"]
)
SOCKETS = Gauge("gateway_websockets", "Open WebSockets")
SOCKETS_CLOSED = Counter(
    "gateway_websockets_closed_total", "WebSockets that the gateway closed, by code", ["code"]
)
SUBSCRIPTIONS = Gauge("gateway_subscriptions", "Open subscriptions")
SLOW_CONSUMERS = Counter("gateway_slow_consumers_total", "Subscriptions ended for being slow")
EVENTS = Counter(
    "gateway_events_total",
    "Analysis events read from the stream (new, repeated)",
    ["kind", "what"],
)
EVENTS_UNREADABLE = Counter("gateway_events_unreadable_total", "Events that could not be read")
