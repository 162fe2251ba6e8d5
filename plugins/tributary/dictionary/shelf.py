"""The dictionary as it is now, in a process's memory: made again when the registry or dbt's manifest has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from tributary.dictionary.building import build, read_manifest
from tributary.dictionary.model import Dictionary
from tributary.registry import Registry


class Shelf:
    """Keeps the newest dictionary.

    :param registry: reads it; as long as nothing has changed it gives the same one.
    :param manifest: dbt's.
    """

    def __init__(self, registry: Callable[[], Registry], manifest: Path) -> None:
        self._registry = registry
        self._manifest = manifest
        self._lock = Lock()
        self._made: tuple[Registry, float, Dictionary] | None = None

    def current(self) -> Dictionary:
        """The dictionary of this moment. Raises TributaryError where the registry or the manifest cannot be read."""
        registry = self._registry()
        with self._lock:
            written = self._manifest.stat().st_mtime if self._manifest.exists() else 0.0
            if self._made is None or self._made[0] is not registry or self._made[1] != written:
                self._made = (registry, written, build(registry, read_manifest(self._manifest)))
            return self._made[2]
