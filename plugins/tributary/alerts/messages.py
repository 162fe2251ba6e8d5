"""The words of Slack's messages: blocks for people, a line of text for notifications. Pure.

https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tributary.alerts.deliveries import Delivery
from tributary.alerts.finding import Finding, Kind, Severity, age
from tributary.alerts.parts import Change, Event, News, Reply
from tributary.alerts.told import Told
from tributary.dead_letters.redaction import shorten

# Slack's limits: characters of a section's text and of a header, blocks of a message.
SECTION, HEADER, BLOCKS = 3000, 150, 50
# More names than these do not help anybody.
NAMES = 10
_COMMANDS = 3
# A section with ten of them must not be cut in the middle of one.
_LONGEST_LINK = 250
_DETAILS = 8

_SIGNS = {Severity.page: "🚨", Severity.ticket: "🔶", Severity.note: "📝"}
_RECOVERED = "✅"
# Of several things that are wrong with one database, what says most.
_TELLING = (Kind.failed, Kind.dag_import, Kind.late, Kind.slow, Kind.stale, Kind.schema_changed)

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What `chat.postMessage` and `chat.update` take."""

    text: str
    blocks: list[Block]


def worded(delivery: Delivery, docs_url: str = "") -> Message:
    """The message of a delivery.

    :param docs_url: where `docs/` can be read, such as a repository's address; without it the
        runbook's path is shown.
    """
    if delivery.reply:
        return _reply(delivery.told, delivery.reply)
    return _incident(delivery.told, docs_url)


def title(told: Told) -> str:
    """What an incident is about, in one line: `shop_eu: sync failed`, `40 databases: ...`."""
    lead = _lead(told)
    subjects = subjects_of(told.named or [lead])
    # Where a late run was when it ended says nothing about why it was late.
    headline = "was late" if told.closed and lead.kind is Kind.late else lead.headline
    return shorten(f"{_counted(subjects)}: {headline}")


def subjects_of(findings: Iterable[Finding]) -> list[str]:
    """The databases that findings are about, each once."""
    return list(dict.fromkeys(finding.subject for finding in findings))


def escape(text: str) -> str:
    """Text as Slack wants it, so that nothing in it is taken for a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _incident(told: Told, docs_url: str) -> Message:
    lead, broken = _lead(told), told.broken
    sign = _RECOVERED if told.closed else _SIGNS[told.severity]
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(f"{sign} {title(told)}", HEADER), "emoji": True}}
    ]
    blocks.append(_section(_standing(told)))
    if len(subjects_of(told.named)) > 1:
        blocks.append(_section(_names(told)))
    if not told.closed:
        blocks += _circumstances(told, lead)
        commands = list(dict.fromkeys(finding.command for finding in broken if finding.command))
        if commands:
            blocks.append(_section("*Once the cause is gone*\n" + _commands(commands)))
    blocks.append(_context(_footer(told, lead, docs_url)))
    return Message(_text(told, sign), blocks[:BLOCKS])


def _standing(told: Told) -> str:
    """How it stands: recovered, or since when and for whom."""
    if told.closed:
        if told.posted is None:
            return (
                f"Was broken from {_moment(told.began)} to {_moment(_end(told))}, for {_lasted(told)}; it is well now."
            )
        return f"*Recovered after {_lasted(told)}*, at {_moment(_end(told))}. It had begun {_moment(told.began)}."
    parts = [f"*Since* {_moment(told.began)}", f"*{told.severity}*", f"cause `{_code(shorten(told.cause))}`"]
    well = len(subjects_of(told.named)) - len(subjects_of(told.broken))
    if well:
        parts.append(f"{well} of {len(subjects_of(told.named))} are well again")
    if told.mentions:
        parts.append(" ".join(told.mentions))
    return "  ·  ".join(parts)


def _names(told: Told) -> str:
    """The databases, with a link to each one's log."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in told.named:
        by_subject.setdefault(finding.subject, []).append(finding)
    still_broken = set(subjects_of(told.broken))
    shown = []
    # What is still broken first: it must not be what is left out.
    for subject, findings in sorted(by_subject.items(), key=lambda one: one[0] not in still_broken):
        url = next((finding.url for finding in findings if finding.url), None)
        days = sorted({finding.day for finding in findings})
        name = link(url, subject) if url and len(url) <= _LONGEST_LINK else escape(subject)
        if len({finding.day for finding in told.named}) > 1:
            name += " (" + ", ".join(day.isoformat() for day in days[:3]) + ("…)" if len(days) > 3 else ")")
        shown.append(name if subject in still_broken else f"~{name}~")
    return ", ".join(shown[:NAMES]) + (f" and {len(shown) - NAMES} more" if len(shown) > NAMES else "")


def _circumstances(told: Told, lead: Finding) -> list[Block]:
    blocks: list[Block] = []
    others = [one for one in told.broken if one is not lead and one.subject == lead.subject and one.kind != lead.kind]
    lines = list(dict.fromkeys([*lead.detail[:_DETAILS], *(one.headline for one in others)]))
    if lines:
        blocks.append(_section("\n".join(f"• {escape(shorten(line))}" for line in lines)))
    step = f"*Step*\n`{_code(lead.step)}`" if lead.step else f"*What*\n{escape(str(lead.kind).replace('_', ' '))}"
    fields = [step, f"*Day*\n{lead.day.isoformat()}"]
    readers = next((one.readers for one in (lead, *told.broken) if one.readers), None)
    if readers:
        fields.append(f"*Readers see*\n{escape(shorten(readers))}")
    if any(one.replaying for one in told.broken):
        fields.append("*State*\nbeing run again")
    blocks.append({"type": "section", "fields": [{"type": "mrkdwn", "text": _cut(field, 2000)} for field in fields]})
    return blocks


def _commands(commands: Sequence[str]) -> str:
    shown = "\n".join(shorten(command) for command in commands[:_COMMANDS])
    left = len(commands) - _COMMANDS
    more = f"\nand {left} more: `tributary dead-letters list` has them" if left > 0 else ""
    return f"```{_code(shown)}```{more}"


def _footer(told: Told, lead: Finding, docs_url: str) -> list[str]:
    parts = [link(f"{docs_url.rstrip('/')}/{lead.runbook}", "Runbook") if docs_url else f"Runbook: `{lead.runbook}`"]
    if lead.url:
        parts.append(link(lead.url, "Log" if lead.step else "Airflow"))
    owners = dict.fromkeys(finding.owner for finding in told.named)
    return [*parts, f"owner: {escape(', '.join(owners))}", told.id]


def _reply(told: Told, reply: Reply) -> Message:
    if reply.event is Event.recovered:
        text = f"{_RECOVERED} Recovered after {_lasted(told)}: {_listed(sorted(subjects_of(told.named)))}."
        return Message(text, [_section(text)])
    lines = _news_lines(told, reply.news)
    if reply.still:
        broken = subjects_of(told.broken)
        lines.insert(0, f"Still broken after {age(told.began, reply.created)}: {_listed(broken)}.")
    text = "\n".join(lines)
    return Message(lines[0] if lines else title(told), [_section(text)])


def _news_lines(told: Told, news: Sequence[News]) -> list[str]:
    lines = []
    for change, words in (
        (Change.severity, None),
        (Change.more, "{count} more: {names}."),
        (Change.again, "Broken again: {names}."),
        (Change.in_vain, "Was run again and has failed again: {names}."),
        (Change.replaying, "Is being run again: {names}."),
        (Change.also, None),
    ):
        of_it = [one for one in news if one.change is change]
        if not of_it:
            continue
        names = list(dict.fromkeys(one.subject for one in of_it))
        if change is Change.severity:
            lines.append(" ".join((f"{_SIGNS[told.severity]} It is a *{told.severity}* now.", *told.mentions)))
        elif words:
            lines.append(words.format(count=len(names), names=_listed(names)))
        else:
            by_headline: dict[str, list[str]] = {}
            for one in of_it:
                by_headline.setdefault(one.headline, []).append(one.subject)
            lines += [f"{_listed(whose)}: {escape(shorten(what))}" for what, whose in by_headline.items()]
    return lines


def _lead(told: Told) -> Finding:
    """The finding that the message is worded after."""
    candidates = told.broken or told.named or tuple(one.finding for one in told.members)
    return min(candidates, key=lambda one: (_TELLING.index(one.kind), one.since, one.key))


def _text(told: Told, sign: str) -> str:
    words = f"{sign} {escape(title(told))}"
    if told.closed:
        return f"{words} (recovered after {_lasted(told)})"
    return f"{words}, since {_utc(told.began)}" + "".join(f" {mention}" for mention in told.mentions)


def _counted(subjects: Sequence[str]) -> str:
    if len(subjects) == 1:
        return subjects[0]
    noun = "DAG files" if all(subject.startswith("dags.") for subject in subjects) else "databases"
    return f"{len(subjects)} {noun}"


def _listed(subjects: Sequence[str]) -> str:
    more = f" and {len(subjects) - NAMES} more" if len(subjects) > NAMES else ""
    return escape(", ".join(subjects[:NAMES])) + more


def _end(told: Told) -> datetime:
    return told.ended or told.changed


def _lasted(told: Told) -> str:
    return age(told.began, _end(told))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _moment(moment: datetime) -> str:
    """In each reader's own time zone."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{_utc(moment)}>"


def link(url: str, words: str) -> str:
    """A link in Slack's form; what could end it early is percent-encoded."""
    return f"<{escape(quote(url, safe=_IN_URLS))}|{escape(words).replace('|', '/')}>"


# All that may stand in a URL, an encoded character too.
_IN_URLS = ":/?#[]@!$&'()*+,;=%~-._"


def _code(text: str) -> str:
    return escape(text.replace("`", "'"))


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION)}}


def _context(parts: Sequence[str]) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut("  ·  ".join(parts), SECTION)}]}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
