"""What messaging counts."""

from prometheus_client import Counter, Histogram

CONSUMED = Counter(
    "tu_messages_consumed_total",
    "Messages read, by where from and how it ended (done, parked, lost)",
    ["source", "outcome"],
)
RETRIED = Counter(
    "tu_messages_retried_total", "Attempts that failed and are made again", ["source"]
)
HANDLED = Histogram(
    "tu_message_seconds",
    "Seconds from reading a message to its confirmed effects",
    ["source"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
PUBLISHED = Counter(
    "tu_messages_published_total",
    "Messages handed to a broker, by destination and the broker's word (confirmed, failed)",
    ["destination", "outcome"],
)
