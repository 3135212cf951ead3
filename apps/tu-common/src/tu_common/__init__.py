"""What the Trackunit platform's services share."""
