"""The running platform, seen from outside through its front door."""
