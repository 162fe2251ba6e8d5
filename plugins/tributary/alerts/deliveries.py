"""What is to be sent of an incident, and what becomes of it when it was. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from tributary.alerts.finding import Severity
from tributary.alerts.parts import Frozen, Reply
from tributary.alerts.told import Told


class Action(StrEnum):
    """How something is told."""

    post = "post"
    update = "update"
    reply = "reply"


class Delivery(Frozen):
    """One thing to send.

    :param told: the incident as it is to be shown.
    :param look: it was begun before, so it may have arrived: look for it first.
    :param send: whether to send it where it is not there; otherwise it is only looked for.
    """

    id: str
    action: Action
    told: Told
    reply: Reply | None = None
    created: AwareDatetime
    look: bool = False
    send: bool = True


class Sent(Frozen):
    """What Slack calls a message that is there; `found`: an earlier try had brought it there."""

    channel_id: str
    ts: str
    found: bool = False


def deliveries_of(told: Told) -> list[Delivery]:
    """What is to be sent of an incident now; the order counts."""
    if told.ts is None:
        post = _post(told)
        return [post] if post else []
    deliveries = []
    if told.shown != told.revision:
        update_id = f"{told.id}/update-{told.revision}"
        deliveries.append(Delivery(id=update_id, action=Action.update, told=told, created=told.changed))
    if not told.held:
        for reply in told.replies:
            reply_id = told.reply_id(reply)
            look = reply_id in told.attempted
            deliveries.append(
                Delivery(id=reply_id, action=Action.reply, told=told, reply=reply, created=reply.created, look=look)
            )
    return deliveries


def _post(told: Told) -> Delivery | None:
    if told.due is None or told.held:
        return None
    post_id = f"{told.id}/post"
    look = post_id in told.attempted
    send = told.severity is Severity.page
    if not told.closed:
        # What has just gone may be well already: wait until that is known.
        send = any(one.named and one.gone is None for one in told.members)
    if not (send or (look and told.closed)):
        return None
    return Delivery(id=post_id, action=Action.post, told=told, created=told.due, look=look, send=send)


def delivered(told: Told, delivery: Delivery, sent: Sent | None, now: datetime) -> Told:
    """The incident once that delivery is there; None: it is not, and need not be any more."""
    changes: dict[str, Any] = {"attempted": tuple(one for one in told.attempted if one != delivery.id)}
    if delivery.action is Action.update:
        changes["shown"] = delivery.told.revision
    elif delivery.action is Action.reply:
        changes["replies"] = tuple(one for one in told.replies if one != delivery.reply)
    elif sent is None:
        changes["due"] = None
    else:
        # What was found says what was true when it was sent.
        changes |= {
            "channel_id": sent.channel_id, "ts": sent.ts, "posted": now, "last_said": now, "news": (),
            "shown": -1 if sent.found else delivery.told.revision, "owed": sent.found and told.closed is not None,
        }  # fmt: skip
    return told.model_copy(update=changes)
