"""GraphQL over HTTP and WebSocket for the Trackunit platform."""
