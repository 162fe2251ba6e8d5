"""The Dead letters pages: what failed for good, and what may be done about it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tributary.dead_letters.record import DAG_IMPORT, DeadLetter, Status
from tributary.ui.facts import Letter, Snapshot

PAGE_LETTERS = 100
# What the list shows unless it is asked for another status.
NOT_CLOSED = "not closed"
CHOICES = (NOT_CLOSED, *(status.value for status in Status), "all")


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see of the list."""

    text: str = ""
    status: str = NOT_CLOSED
    page: int = 1

    def query(self, **changes: Any) -> dict[str, str]:
        """As parameters of an address, without those that are as usual."""
        wished = {**self.__dict__, "page": 1, **changes}
        usual = Wish()
        return {name: str(value) for name, value in wished.items() if value != getattr(usual, name)}


@dataclass(frozen=True)
class Letters:
    """One page of the list: what is not closed first, and of that the newest failure."""

    shown: Sequence[Letter]
    matching: int
    counts: Mapping[str, int]
    wish: Wish
    pages: int


def letters_page(snapshot: Snapshot, wish: Wish, may_read: Callable[[Letter], bool]) -> Letters:
    """The records that may be read and match the wish."""
    readable = [letter for letter in snapshot.letters if may_read(letter)]
    matching = sorted((letter for letter in readable if _matches(letter, wish)), key=lambda letter: letter.closed)
    pages = max(-(-len(matching) // PAGE_LETTERS), 1)
    page = min(max(wish.page, 1), pages)
    counts = Counter(letter.status.value for letter in readable)
    counts[NOT_CLOSED] = sum(not letter.closed for letter in readable)
    counts["all"] = len(readable)
    return Letters(
        shown=matching[(page - 1) * PAGE_LETTERS : page * PAGE_LETTERS],
        matching=len(matching),
        counts=counts,
        wish=Wish(wish.text, wish.status, page),
        pages=pages,
    )


def _matches(letter: Letter, wish: Wish) -> bool:
    text = wish.text.strip().lower()
    words = f"{letter.id} {letter.reason} {letter.message}".lower()
    if text and text not in words:
        return False
    if wish.status == NOT_CLOSED:
        return not letter.closed
    return wish.status in ("all", letter.status.value)


def can_replay(record: DeadLetter) -> str | None:
    """Why it cannot be run again from here; None where it can."""
    if record.task_id == DAG_IMPORT:
        return "Correct the file that does not import; the next sweep then closes this record."
    if record.dag_id is None or record.run_id is None:
        return "Its run is not known."
    if record.closed:
        return "It is closed."
    if record.status is Status.replaying:
        return "It is running again already."
    return None


def can_resolve(record: DeadLetter) -> bool:
    """Whether somebody may still say that nothing is left to do."""
    return not record.closed


# In the order in which the page shows them: what happened, where, and what was done about it.
_FIELDS = (
    ("Error", "reason"),
    ("Code", "code"),
    ("Message", "message"),
    ("What to do", "advice"),
    ("Kind", "kind"),
    ("Cause", "cause"),
    ("Service", "service"),
    ("Failed first", "first_failed_at"),
    ("Failed last", "last_failed_at"),
    ("Tries", "tries"),
    ("Database", "database"),
    ("Day of the dump", "dump_date"),
    ("Step", "task_id"),
    ("DAG", "dag_id"),
    ("Run", "run_id"),
    ("Dump", "dump_uri"),
    ("Generation of the dump", "dump_generation"),
    ("Status since", "changed_at"),
    ("Replayed by", "replayed_by"),
    ("Outcome", "outcome"),
    ("Resolved by", "resolved_by"),
    ("Why", "why"),
    ("Written", "updated_at"),
    ("Command", "replay"),
)


def fields(record: DeadLetter) -> list[tuple[str, Any]]:
    """Everything that is known of a record, by its label; without what is not known."""
    found = ((label, getattr(record, name)) for label, name in _FIELDS)
    return [(label, value) for label, value in found if value is not None]
