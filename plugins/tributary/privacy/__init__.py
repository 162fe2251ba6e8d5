"""What becomes of personal data that a contract does not drop: hashes, masks, policy tags (docs/personal-data.md)."""
