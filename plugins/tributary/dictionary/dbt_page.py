"""dbt's own documentation as one page, without what differs from one writing to the next. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MANIFEST, _CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'
# When and where it was written: of no use to a reader, and another one each time.
_RUN = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "env", "user_id")
_NODES = ("created_at", "root_path", "build_path", "compiled_path")


def dbt_page(target: Path) -> str | None:
    """The page, from what `dbt docs generate` left in a folder; None where it left none.

    dbt can write such a page itself (`--static`), with the time of its run in a hundred places.
    """
    template = target / "index.html"
    if not template.is_file():
        return None
    text = template.read_text(encoding="utf-8")
    for mark, name in ((_MANIFEST, "manifest.json"), (_CATALOG, "catalog.json")):
        if text.count(mark) != 1:
            return None
        text = text.replace(mark, _script(_timeless(json.loads((target / name).read_text(encoding="utf-8")))))
    return text


def _timeless(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document in one order, without times and places."""
    kept = dict(document)
    kept["metadata"] = {name: value for name, value in document["metadata"].items() if name not in _RUN}
    for section, entries in document.items():
        if section != "metadata" and isinstance(entries, dict):
            kept[section] = {name: _without(entries[name]) for name in sorted(entries)}
    return kept


def _without(entry: Any) -> Any:
    return {name: value for name, value in entry.items() if name not in _NODES} if isinstance(entry, dict) else entry


def _script(value: object) -> str:
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
