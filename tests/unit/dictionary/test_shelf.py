"""The dictionary in a process's memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.ui.facts_in_memory import small_registry
from tributary.dictionary.shelf import Shelf
from tributary.errors import TributaryError
from tributary.registry import load_registry


def test_it_is_made_again_when_the_registry_or_the_manifest_has_changed(manifest: Path, tmp_path: Path):
    copy = tmp_path / "manifest.json"
    copy.write_bytes(manifest.read_bytes())
    registries = [load_registry()]
    shelf = Shelf(lambda: registries[-1], copy)
    first = shelf.current()
    assert shelf.current() is first
    os.utime(copy, (1, 1))
    second = shelf.current()
    assert second is not first
    registries.append(small_registry(shop_uk="retail"))
    assert [database.name for database in shelf.current().databases] == ["shop_uk"]
    copy.unlink()
    with pytest.raises(TributaryError, match="expected dbt's manifest"):
        shelf.current()
