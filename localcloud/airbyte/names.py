"""Names in BigQuery, as Airbyte's destination makes them."""

from __future__ import annotations

import re


def safe_name(name: str) -> str:
    """*name* with ``_`` for all but ASCII letters, digits and ``_``, and before a leading digit."""
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{safe}" if safe[:1].isdigit() else safe
