"""An error in a record's words: its class, its number, one redacted line, and what it means."""

from __future__ import annotations

from typing import Any

from tributary.dead_letters.record import NOT_REPORTED
from tributary.dead_letters.redaction import one_line
from tributary.failures import classify

_SILENT = (
    "The task ended without an error of its own: its process was killed, its worker was lost, or a person marked "
    "it as failed. Its log shows where it stopped."
)


def reason_of(error: BaseException | None) -> dict[str, Any]:
    """`reason`, `code`, `message`, `kind`, `cause`, `service` and `advice` of a record."""
    if error is None:
        return {"reason": NOT_REPORTED, "message": _SILENT}
    meaning = classify(error)
    return {
        "reason": type(error).__name__,
        "code": _code(error),
        "message": one_line(_words(error)) or type(error).__name__,
        "kind": str(meaning.kind),
        "cause": meaning.reason,
        "service": meaning.service or None,
        "advice": meaning.advice,
    }


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error that cannot be printed must still leave a record
        return ""


def _code(error: BaseException) -> str | None:
    """An HTTP status, or a number of the system's or the database's."""
    response = getattr(error, "resp", None) or getattr(error, "response", None)
    # AirflowException has a `status_code` of its class, 500 whatever happened.
    candidates = [getattr(error, "__dict__", {}).get("status_code")]
    candidates += [getattr(error, name, None) for name in ("code", "errno")]
    candidates += [getattr(response, name, None) for name in ("status_code", "status")]
    candidates += [next(iter(error.args), None)]
    for candidate in candidates:
        if isinstance(candidate, int) and not isinstance(candidate, bool):
            return str(int(candidate))
    return None
