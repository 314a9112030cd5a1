"""From a request to a queued prediction."""
