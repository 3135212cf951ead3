"""Carries messages between Kafka and RabbitMQ, each at least once."""
