"""`tributary alerts`: what people have been told, and what is kept from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tributary.terminal import Format, FormatOption, print_rows

if TYPE_CHECKING:
    from tributary.alerts.told import Told

app = typer.Typer(no_args_is_help=True, help="What people are told: messages, and what is silenced.")

_COLUMNS = ("id", "state", "severity", "databases", "what", "since", "channel", "told")


@app.callback()
def _alerts() -> None:
    """With one command, typer would leave its name out."""


@app.command("list")
def list_alerts(
    every: Annotated[bool, typer.Option("--all", help="Those of the last 14 days that are over, too.")] = False,
    output: FormatOption = Format.table,
) -> None:
    """Incidents that are open, silenced ones among them, the newest first.

    To silence databases, add an entry with `until` and `reason` to `alerts: silences:` in databases.yaml.
    """
    from tributary.alerts.store import IncidentStore

    incidents, _ = IncidentStore.from_environment().load()
    shown = [one for one in incidents.told if every or not one.closed]
    rows = [_row(one) for one in sorted(shown, key=lambda one: one.opened, reverse=True)]
    print_rows(rows, output, None if rows else _COLUMNS)


def _row(told: Told) -> dict[str, Any]:
    from tributary.alerts.messages import subjects_of, title

    members = told.named or tuple(member.finding for member in told.members)
    return {
        "id": told.id,
        "state": _state(told),
        "severity": told.severity.value,
        "databases": ", ".join(subjects_of(members)),
        "what": title(told),
        "since": told.began.isoformat(timespec="minutes"),
        "channel": told.channel,
        "told": told.posted.isoformat(timespec="minutes") if told.posted else "",
    }


def _state(told: Told) -> str:
    if told.closed:
        return "recovered" if told.posted else "recovered, never told"
    silences = {member.silence for member in told.members if not member.healed}
    if None not in silences:
        return "silenced: " + "; ".join(sorted(reason for reason in silences if reason))
    if told.posted:
        return "open"
    return "waits for the end of quiet hours" if told.held else "waits for Slack"
