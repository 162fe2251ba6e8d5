"""What becomes of a dump whose tables are not those of the contract (docs/drift.md)."""
