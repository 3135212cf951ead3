"""A console client of the Trackunit platform's GraphQL front door."""
