"""Who is told what, where and when: the part `alerts` of the registry. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tributary.durations import Duration

_CHANNEL = re.compile(r"#[a-z0-9_-]{1,80}|[CG][A-Z0-9]{8,}")
# https://docs.slack.dev/messaging/formatting-message-text: a user, a group of users, or whoever is there.
_MENTION = re.compile(r"<(?:@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel)>")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _hour(value: Any) -> Any:
    # YAML 1.1 reads 22:00 without quotes as the number 1320, of minutes; pydantic would take it for seconds.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(*divmod(value, 60))
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d(?::00)?", value):
        raise ValueError('expected an hour of the day such as "22:00"')
    return time.fromisoformat(value)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected a time zone such as Europe/Berlin or UTC") from None
    return value


def _channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise ValueError("expected a channel such as #data-alerts, or its id such as C0123456789")
    return value


def _mention(value: str) -> str:
    if not _MENTION.fullmatch(value):
        raise ValueError("expected Slack's form of a mention: <@U0123456>, <!subteam^S0123456>, <!here> or <!channel>")
    return value


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("expected a few words")
    return value.strip()


Hour = Annotated[time, BeforeValidator(_hour, json_schema_input_type=str), Field(examples=["22:00"])]
Channel = Annotated[str, AfterValidator(_channel), Field(examples=["#data-alerts"])]


class QuietHours(_Model):
    """The part of each day in which only pages are told. `from` after `to` goes over midnight."""

    from_: Hour = Field(alias="from", description="Their first minute.")
    to: Hour = Field(description="Their end.")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="Such as Europe/Berlin.")

    @model_validator(mode="after")
    def _some(self) -> QuietHours:
        if self.from_ == self.to:
            raise ValueError("expected `from` and `to` to differ; leave quiet_hours out to have none")
        return self

    def cover(self, now: datetime) -> bool:
        """Whether it is quiet then."""
        hour = now.astimezone(ZoneInfo(self.time_zone)).time()
        if self.from_ < self.to:
            return self.from_ <= hour < self.to
        return hour >= self.from_ or hour < self.to


class Silence(_Model):
    """A planned time in which nothing is told of some databases, and why."""

    databases: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Names of databases, `consolidate`, or `all`."
    )
    until: AwareDatetime = Field(description="Its end, such as 2026-11-21T06:00:00Z.")
    reason: Annotated[str, AfterValidator(_words)] = Field(description="Shown by `tributary alerts list`.")

    def covers(self, subject: str, now: datetime) -> bool:
        """Whether nothing is told of that subject then."""
        return now < self.until and (self.databases == "all" or subject in self.databases)


class Owner(_Model):
    """Where those who answer for some databases are told, and how they are called."""

    channel: Channel | None = Field(None, description="Stands in place of the common channel.")
    mention: Annotated[str, AfterValidator(_mention)] | None = Field(
        None, description="Calls somebody at pages and tickets, such as <!subteam^S0123456>."
    )


class AlertPolicy(_Model):
    """All that decides about messages besides what is wrong."""

    channel: Channel = Field("#data-alerts", description="Where all is told whose owner has no channel.")
    owners: dict[str, Owner] = Field(default_factory=dict, description="By the owners' names in this file.")
    quiet_hours: QuietHours | None = None
    silences: tuple[Silence, ...] = ()
    repeat_after: Duration = Field(
        timedelta(days=1), description="After how long what is still wrong is told again, in its thread."
    )
    recovered_after: Duration = Field(
        timedelta(minutes=10), description="How long something has to stay well before its recovery is told."
    )

    def channel_of(self, owner: str) -> str:
        """The channel that is told of an owner's databases."""
        known = self.owners.get(owner)
        return known.channel if known and known.channel else self.channel

    def mentions_of(self, owners: Sequence[str]) -> tuple[str, ...]:
        """How these owners are called, each once."""
        known = (self.owners[owner].mention for owner in owners if owner in self.owners)
        return tuple(dict.fromkeys(mention for mention in known if mention))

    def is_quiet(self, now: datetime) -> bool:
        """Whether only pages are told then."""
        return self.quiet_hours is not None and self.quiet_hours.cover(now)

    def silence_of(self, subject: str, now: datetime) -> Silence | None:
        """The silence that covers a subject then; the one that ends last where there are several."""
        covering = [silence for silence in self.silences if silence.covers(subject, now)]
        return max(covering, key=lambda silence: silence.until, default=None)
