"""Tells the time in production to whoever asks which day's data should be there: a file, where one is wanted."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path

VARIABLE = "TRIBUTARY_CLOCK_FILE"
# The dumps of a day lie in the bucket at the hour of `schedule` in include/databases.yaml.
HOUR = time(2, tzinfo=UTC)


def tell_time(day: date, environment: Mapping[str, str] = os.environ) -> None:
    """Writes the hour at which the dumps of `day` lie in the bucket; the clock is never set back, nor held up."""
    name = environment.get(VARIABLE)
    if not name:
        return
    path, moment = Path(name), datetime.combine(day, HOUR).isoformat()
    if path.exists() and path.read_text(encoding="utf-8").strip() >= moment:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(f"{moment}\n", encoding="utf-8")
    partial.replace(path)
