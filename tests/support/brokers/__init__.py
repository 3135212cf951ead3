"""Fixtures for integration tests: RabbitMQ, Kafka, S3 and Keycloak from the supply images.

They are set up as the charts do it, by what the public images and those made here both have.
Each starts when first asked for, lives for the session, listens on 127.0.0.1 at a free port, and
is shared: a test uses names of its own (object keys, consumer groups, subjects), or cleans up.
When a test fails, what the containers logged meanwhile is part of its report.
"""
