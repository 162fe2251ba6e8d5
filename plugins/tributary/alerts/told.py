"""One incident: what is told of it, what has been, and what is still to be sent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime

from tributary.alerts.finding import Finding, Kind, Severity
from tributary.alerts.parts import Change, Event, Frozen, Member, News, Reply
from tributary.alerts.policy import AlertPolicy

# Replies call people to a thread; edits do not.
REPLY_PAUSE = timedelta(minutes=10)
SEVERITIES = (Severity.note, Severity.ticket, Severity.page)


class Told(Frozen):
    """One incident, which is one message and its thread.

    :param channel: as the policy names it; `channel_id` and `ts` are Slack's names of what was posted.
    :param severity: the highest so far.
    :param mentions: who is called, of the owners that it concerns.
    :param due: since when it is to be told, at the end of quiet hours at the latest; None under a silence.
    :param held: whether quiet hours or a silence keep everything back but edits.
    :param revision: grows with each change of the message; Slack shows `shown`.
    :param attempted: deliveries that were begun; they may have arrived without our knowing.
    :param owed: whether its recovery is still to be told.
    """

    id: str
    kind: Kind
    cause: str
    channel: str
    severity: Severity
    members: tuple[Member, ...]
    opened: AwareDatetime
    changed: AwareDatetime
    mentions: tuple[str, ...] = ()
    due: AwareDatetime | None = None
    held: bool = False
    channel_id: str | None = None
    ts: str | None = None
    posted: AwareDatetime | None = None
    revision: int = 0
    shown: int = 0
    attempted: tuple[str, ...] = ()
    replies: tuple[Reply, ...] = ()
    news: tuple[News, ...] = ()
    numbered: int = 0
    last_said: AwareDatetime | None = None
    repeated: AwareDatetime | None = None
    closed: AwareDatetime | None = None
    owed: bool = False

    @property
    def named(self) -> tuple[Finding, ...]:
        """What the message names, healed or not, the oldest first."""
        return tuple(sorted((one.finding for one in self.members if one.named), key=lambda one: (one.since, one.key)))

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What the message names and is not healed."""
        healed = {one.finding.key for one in self.members if one.healed}
        return tuple(finding for finding in self.named if finding.key not in healed)

    @property
    def began(self) -> datetime:
        """When its first finding began."""
        return min(finding.since for finding in self.named or tuple(one.finding for one in self.members))

    @property
    def ended(self) -> datetime | None:
        """When its last finding was gone; None while it is open."""
        return max((one.gone for one in self.members if one.gone), default=self.closed) if self.closed else None

    def looked_at(
        self, found: Mapping[str, Finding], now: datetime, policy: AlertPolicy, blind: Collection[Kind]
    ) -> Told:
        """With what was found of its members this time; `blind`: kinds that could not be looked for."""
        if self.closed:
            still = (one.model_copy(update={"silence": _silence(one, now, policy)}) for one in self.members)
            return self.model_copy(update={"members": tuple(still)})
        members: list[Member] = []
        news = list(self.news)
        for one in self.members:
            finding = found.get(one.finding.key)
            if finding is None and one.finding.kind in blind:
                members.append(one)
                continue
            if finding is not None:
                if one.named and one.healed:
                    news.append(_news(Change.again, finding))
                elif one.named and finding.replaying and not one.finding.replaying:
                    news.append(_news(Change.replaying, finding))
                elif one.named and one.finding.replaying and not finding.replaying:
                    news.append(_news(Change.in_vain, finding))
                one = one.model_copy(update={"finding": finding, "gone": None, "healed": False})
            else:
                gone = one.gone or now
                one = one.model_copy(update={"gone": gone, "healed": now - gone >= policy.recovered_after})
            members.append(one.model_copy(update={"silence": _silence(one, now, policy)}))
        return self._changed(now, members=tuple(members), news=tuple(news))

    def joined(self, findings: Iterable[Finding], now: datetime, policy: AlertPolicy) -> Told:
        """With findings that belong to it."""
        members = {one.finding.key: one for one in self.members}
        going_on = {_lasting(one.finding): one for one in self.members}
        for finding in findings:
            new = Member(finding=finding)
            before = going_on.get(_lasting(finding))
            if before is not None:
                members.pop(before.finding.key, None)
                new = new.model_copy(update={"named": before.named})
            members[finding.key] = new.model_copy(update={"silence": _silence(new, now, policy)})
        return self._changed(now, members=tuple(members.values()))

    def decided(self, now: datetime, policy: AlertPolicy) -> Told:
        """With what is to be told of it now."""
        told = self._severity(now) if not self.closed else self
        quiet = policy.is_quiet(now) and told.severity is not Severity.page
        told = told._held(quiet)
        if not told.closed:
            told = told._named(now)._mentions(policy)._closed(now)
        return told._said(now, policy)

    def _severity(self, now: datetime) -> Told:
        concerned = [one.finding for one in self.members if not one.healed and (one.named or not one.silence)]
        highest = max([self.severity, *(one.severity for one in concerned)], key=SEVERITIES.index)
        if highest is self.severity:
            return self
        news = self.news
        if self.due:
            raised = next(one for one in concerned if one.severity is highest)
            news = (*news, _news(Change.severity, raised))
        return self._changed(now, severity=highest, news=news)

    def _held(self, quiet: bool) -> Told:
        concerned = [one for one in self.members if not one.healed] or self.members
        silent = all(one.silence for one in concerned)
        return self.model_copy(update={"held": quiet or silent})

    def _named(self, now: datetime) -> Told:
        """Name what no silence covers; the first that is makes it due, which quiet hours may hold."""
        new = [one for one in self.members if not (one.named or one.silence or one.gone)]
        if not new:
            return self
        news = list(self.news)
        if self.due:
            known = {finding.subject for finding in self.named}
            news += [_news(Change.also if one.finding.subject in known else Change.more, one.finding) for one in new]
        keys = {one.finding.key for one in new}
        members = tuple(
            one.model_copy(update={"named": True}) if one.finding.key in keys else one for one in self.members
        )
        return self._changed(now, members=members, news=tuple(news), due=self.due or now)

    def _mentions(self, policy: AlertPolicy) -> Told:
        if not self.due or self.severity is Severity.note:
            return self
        owners = tuple(dict.fromkeys(finding.owner for finding in self.broken))
        mentions = policy.mentions_of(owners)
        return self.model_copy(update={"mentions": mentions}) if owners else self

    def _closed(self, now: datetime) -> Told:
        """Close it when all that it names is healed; what it does not name will be found again."""
        left = [one for one in self.members if one.named or not self.due]
        if not all(one.healed for one in left):
            return self
        # What the thread was to hear before is not worth a reply any more.
        return self._changed(now, members=tuple(left), closed=now, owed=self.ts is not None, news=(), replies=())

    def _said(self, now: datetime, policy: AlertPolicy) -> Told:
        """Put what is new into one reply, unless there was one a moment ago."""
        if self.ts is None or self.held or self.replies:
            return self
        if self.closed:
            return self._reply(now, Event.recovered).model_copy(update={"owed": False}) if self.owed else self
        since = self.last_said or self.posted or now
        urgent = any(one.change is Change.severity for one in self.news)
        still = now - (self.repeated or self.posted or now) >= policy.repeat_after
        if still or urgent or (self.news and now - since >= REPLY_PAUSE):
            return self._reply(now, Event.replied, still)
        return self

    def _reply(self, now: datetime, event: Event, still: bool = False) -> Told:
        reply = Reply(number=self.numbered + 1, event=event, created=now, news=self.news, still=still)
        return self.model_copy(
            update={
                "replies": (*self.replies, reply),
                "numbered": reply.number,
                "news": (),
                "last_said": now,
                "repeated": now if still else self.repeated,
            }
        )

    def reply_id(self, reply: Reply) -> str:
        """The reply's delivery."""
        return f"{self.id}/reply-{reply.number}"

    def _changed(self, now: datetime, **update: Any) -> Told:
        """With these changes, and a new revision where the message shows them."""
        after = self.model_copy(update=update)
        if after._face() == self._face():
            return after
        return after.model_copy(update={"revision": self.revision + 1, "changed": now})

    def _face(self) -> Any:
        """What of it, when it changes, is worth an edit: not the details, which change with every look.

        A headline changes when a late run comes to its next step, or waits for something else.
        """
        members = [
            (one.finding.key, one.healed, one.finding.replaying, one.finding.headline)
            for one in self.members
            if one.named
        ]
        return members, self.severity, self.closed


def _silence(member: Member, now: datetime, policy: AlertPolicy) -> str | None:
    silence = policy.silence_of(member.finding.subject, now)
    return silence.reason if silence else None


def _lasting(finding: Finding) -> tuple[str, ...]:
    """What stays the same of a trouble that goes on: stale data on the next day, a late run in its next step."""
    if finding.kind is Kind.stale:
        return finding.kind, finding.subject
    if finding.kind is Kind.late:
        return finding.kind, finding.subject, finding.day.isoformat()
    return (finding.key,)


def _news(change: Change, finding: Finding) -> News:
    return News(change=change, subject=finding.subject, headline=finding.headline)
