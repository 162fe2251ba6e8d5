"""What an incident is made of. Pure."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tributary.alerts.finding import Finding


class Frozen(BaseModel):
    """Not changed, only replaced."""

    model_config = ConfigDict(frozen=True)


class Member(Frozen):
    """One finding of an incident.

    :param gone: since when it is not found any more; `healed` once that has lasted.
    :param named: whether the message names it.
    :param silence: why nothing is told of it at present.
    """

    finding: Finding
    gone: AwareDatetime | None = None
    healed: bool = False
    named: bool = False
    silence: str | None = None


class Change(StrEnum):
    """What can be new in an incident that was told."""

    more = "more"
    """A further database has it."""
    also = "also"
    """A database that has it has something else now, which belongs to it."""
    again = "again"
    """A database that was well has it again."""
    replaying = "replaying"
    """It is being run again."""
    in_vain = "in_vain"
    """It was run again, and failed again."""
    severity = "severity"
    """It has become more severe."""


class News(Frozen):
    """One change that its thread does not know yet."""

    change: Change
    subject: str
    headline: str


class Event(StrEnum):
    """What was done, as in `ops.alerts`."""

    posted = "posted"
    updated = "updated"
    replied = "replied"
    recovered = "recovered"
    silenced = "silenced"


class Reply(Frozen):
    """One message for the thread.

    :param event: `recovered` for its end, else `replied`.
    :param still: whether it says that all is as it was.
    """

    number: int
    event: Event
    created: AwareDatetime
    news: tuple[News, ...] = ()
    still: bool = False
