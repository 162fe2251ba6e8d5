"""What infra/terraform comes to: every resource with its arguments, evaluated from the files without any cloud.

tfparse evaluates variables, locals, modules, `for_each` and `dynamic`. What only Google knows (an address, an id) stays
unknown: null, or a reference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tfparse import load_from_path

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "infra" / "terraform"
PROJECT = "acme-tributary"
# What is no resource, in the answer of tfparse.
_OTHER = frozenset({"locals", "module", "output", "provider", "terraform", "variable"})
VALUES = {
    "example": "terraform.tfvars.example",
    "full": "../../tests/infra/full.tfvars",
}


@dataclass(frozen=True)
class Plan:
    """All blocks of the configuration by kind; `resources` by their type."""

    blocks: dict[str, list[dict[str, Any]]]

    @property
    def resources(self) -> dict[str, list[dict[str, Any]]]:
        return {kind: blocks for kind, blocks in self.blocks.items() if kind not in _OTHER}

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The resources of a type; there has to be one, so that no test passes on an empty list."""
        assert self.blocks.get(kind), f"no {kind} in infra/terraform"
        return self.blocks[kind]

    def all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every resource, with its address."""
        for blocks in self.resources.values():
            for block in blocks:
                yield block["__tfmeta"]["path"], block

    def local(self, name: str) -> Any:
        """A local value of the root module, or of the one module that has it."""
        found = [block[name] for block in self.blocks["locals"] if name in block]
        assert found, f"no local {name}"
        return found[0]


@cache
def plan(values: str = "full") -> Plan:
    """The configuration with the variables of one of the two files."""
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return Plan(load_from_path("infra/terraform", stop_on_hcl_error=True, vars_paths=[VALUES[values]]))
    finally:
        os.chdir(before)


def blocks(value: Any) -> list[dict[str, Any]]:
    """The blocks of one name within another block, however many there are."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
