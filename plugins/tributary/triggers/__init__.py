"""Triggers: what waits in the triggerer instead of holding a worker."""
