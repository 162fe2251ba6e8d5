"""More databases than Airbyte lists at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.operators.conftest import Kiosk
from tributary import airbyte, naming


def test_a_database_beyond_the_first_page_keeps_its_connection(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch):
    # Airbyte's own 100 to a page would take a minute to fill.
    monkeypatch.setattr(airbyte, "_PAGE", 3)
    kiosk.step("import_dump")
    plan = kiosk._operator("sync")._plan(kiosk.database)
    for number in range(4):
        name = naming.airbyte_name(f"{kiosk.name}_{number}")
        airbyte.ensure_connection(kiosk.airbyte, replace(plan, name=name, connection={**plan.connection, "name": name}))
    first = airbyte.ensure_connection(kiosk.airbyte, plan)
    assert airbyte.ensure_connection(kiosk.airbyte, plan) == first == kiosk.connection_id()
    kiosk.step("sync")
    assert len(kiosk.jobs("sync")) == 1
