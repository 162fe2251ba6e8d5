from __future__ import annotations

import pytest

from tributary.contracts import Contract


@pytest.fixture
def contract() -> Contract:
    return Contract.model_validate(
        {
            "app": "kiosk",
            "tables": {
                "customers": {
                    "primary_key": ["customer_id"],
                    "columns": {
                        "customer_id": {"type": "int unsigned"},
                        "email": {"type": "varchar(255)", "personal": True},
                        "city": {"type": "varchar(64)", "nullable": True},
                    },
                },
                "lines": {
                    "primary_key": ["order_id", "line"],
                    "columns": {
                        "order_id": {"type": "bigint"},
                        "line": {"type": "smallint"},
                        "kind": {"type": "enum('sold','it''s back')"},
                        "price": {"type": "decimal(10,2)"},
                    },
                },
            },
            "marts": {"revenue": {"description": "What came in."}},
        }
    )
