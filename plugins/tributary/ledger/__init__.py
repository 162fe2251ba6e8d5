"""What happened, as rows: runs, row counts per stage, results of checks (dataset `ops`)."""
