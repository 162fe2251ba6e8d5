"""A person's rows out of every layer, and never back: `tributary forget` (docs/forget.md)."""
