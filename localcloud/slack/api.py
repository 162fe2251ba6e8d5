"""The API's methods, and the page."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from localcloud.faults import Fault, Faults, install
from localcloud.slack.checks import SlackError, check_content
from localcloud.slack.page import rendered
from localcloud.slack.store import Channel, Message, Store

FAULT_KINDS = ("http", "error", "delay", "lost_answer")
"""``http``: answer *status* to requests whose path contains *path*; 429 with ``Retry-After: <seconds>``.
``error``: refuse with the error *code*. ``delay``: answer *seconds* later. ``lost_answer``: do what was asked,
and answer *status*."""

USER, BOT, TEAM = "U0TRIBUTARY", "B0TRIBUTARY", "T0LOCALCLOUD"
_STRUCTURED = ("blocks", "metadata", "attachments")
Arguments = dict[str, Any]


class Api:
    """The methods; each takes its arguments and returns its answer without ``ok``, or raises SlackError."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._token = token
        self.methods: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.create": self._create,
            "conversations.history": self._history,
            "conversations.list": self._list,
            "conversations.replies": self._replies,
        }

    def call(self, method: str, token: str, arguments: Arguments) -> dict[str, Any]:
        """The answer's body."""
        if method not in self.methods:
            return {"ok": False, "error": "unknown_method", "req_method": method}
        try:
            if not token:
                raise SlackError("not_authed")
            if not secrets.compare_digest(token.encode(), self._token.encode()):
                raise SlackError("invalid_auth")
            return {"ok": True, **self.methods[method](arguments)}
        except SlackError as error:
            body: dict[str, Any] = {"ok": False, "error": error.code}
            if error.messages:
                body |= {"errors": list(error.messages), "response_metadata": {"messages": list(error.messages)}}
            return body

    def _auth_test(self, arguments: Arguments) -> dict[str, Any]:
        return {
            "url": "https://localcloud.slack.com/", "team": "localcloud", "user": "tributary", "team_id": TEAM,
            "user_id": USER, "bot_id": BOT, "is_enterprise_install": False,
        }  # fmt: skip

    def _post(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._channel(arguments, by_name=True)
        text, blocks, metadata = (
            str(arguments.get("text") or ""),
            arguments.get("blocks") or [],
            arguments.get("metadata"),
        )
        check_content(text, blocks, metadata)
        thread_ts = arguments.get("thread_ts")
        if thread_ts:
            parent = self._store.message(channel, str(thread_ts))
            if parent is None:
                raise SlackError("thread_not_found")
            thread_ts = parent.thread_ts or parent.ts
        message = self._store.add(channel, text, blocks, thread_ts or None, metadata)
        return {"channel": channel.id, "ts": message.ts, "message": self._shown(channel, message, True)}

    def _update(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._channel(arguments)
        message = self._store.message(channel, str(arguments.get("ts") or ""))
        if message is None:
            raise SlackError("message_not_found")
        changes: dict[str, Any] = {}
        if "text" in arguments or "blocks" in arguments:
            changes = {"text": str(arguments.get("text") or ""), "blocks": arguments.get("blocks") or []}
        if "metadata" in arguments:
            changes["metadata"] = arguments["metadata"] or None
        check_content(changes.get("text", message.text), changes.get("blocks", message.blocks), changes.get("metadata"))
        edited = self._store.edit(message, **changes)
        answer = {"channel": channel.id, "ts": edited.ts, "text": edited.text}
        return {**answer, "message": self._shown(channel, edited, True)}

    def _create(self, arguments: Arguments) -> dict[str, Any]:
        name = str(arguments.get("name") or "")
        if not name:
            raise SlackError("invalid_name_required")
        if self._store.channel(name):
            raise SlackError("name_taken")
        return {"channel": _channel(self._store.create(name))}

    def _list(self, arguments: Arguments) -> dict[str, Any]:
        shown, cursor = _page(self._store.channels(), arguments, 100)
        return {"channels": [_channel(one) for one in shown], "response_metadata": {"next_cursor": cursor}}

    def _history(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._channel(arguments)
        newest_first = self._store.history(channel)[::-1]
        return self._messages(channel, [one for one in newest_first if _in_time(one, arguments)], arguments)

    def _replies(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._channel(arguments)
        asked = self._store.message(channel, str(arguments.get("ts") or ""))
        parent = self._store.message(channel, asked.thread_ts) if asked and asked.thread_ts else asked
        if parent is None:
            raise SlackError("thread_not_found")
        replies = [one for one in self._store.replies(channel, parent.ts) if _in_time(one, arguments)]
        return self._messages(channel, [parent, *replies], arguments)

    def _messages(self, channel: Channel, found: list[Message], arguments: Arguments) -> dict[str, Any]:
        shown, cursor = _page(found, arguments, 100)
        every = str(arguments.get("include_all_metadata")).lower() in ("1", "true")
        answer: dict[str, Any] = {
            "messages": [self._shown(channel, one, every) for one in shown], "has_more": bool(cursor), "pin_count": 0
        }  # fmt: skip
        return {**answer, "response_metadata": {"next_cursor": cursor}} if cursor else answer

    def _channel(self, arguments: Arguments, by_name: bool = False) -> Channel:
        """Only `chat.postMessage` takes a name."""
        name = str(arguments.get("channel") or "")
        channel = self._store.channel(name)
        if channel is None or not (by_name or channel.id == name):
            raise SlackError("channel_not_found")
        return channel

    def _shown(self, channel: Channel, message: Message, metadata: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "type": "message", "user": USER, "bot_id": BOT, "app_id": "A0TRIBUTARY", "team": TEAM, "ts": message.ts,
            "text": message.text, "blocks": message.blocks,
        }  # fmt: skip
        replies = [] if message.thread_ts else self._store.replies(channel, message.ts)
        if message.thread_ts or replies:
            shown["thread_ts"] = message.thread_ts or message.ts
        if replies:
            shown |= {"reply_count": len(replies), "latest_reply": replies[-1].ts}
        if message.edited_ts:
            shown["edited"] = {"user": USER, "ts": message.edited_ts}
        if message.metadata:
            shown["metadata"] = message.metadata if metadata else {"event_type": message.metadata["event_type"]}
        return shown


def create_app(store: Store, token: str) -> FastAPI:
    """The whole service."""
    app = FastAPI(openapi_url=None)
    api, faults = Api(store, token), Faults(FAULT_KINDS)
    install(app, faults, _outage)

    @app.api_route("/api/{method}", methods=["GET", "POST"])
    async def call(method: str, request: Request) -> Response:
        def concerns(fault: Fault) -> bool:
            return fault.path in request.url.path

        if delay := faults.take("delay", concerns):
            await asyncio.sleep(delay.seconds)
        if refusal := faults.take("error", concerns):
            return JSONResponse({"ok": False, "error": refusal.code or "fatal_error"})
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            arguments = await _arguments(request)
        except SlackError as error:
            return JSONResponse({"ok": False, "error": error.code})
        token = token if scheme.lower() == "bearer" else str(arguments.pop("token", ""))
        answer = await run_in_threadpool(api.call, method, token, arguments)
        if lost := faults.take("lost_answer", concerns):
            return _outage(lost)
        return JSONResponse(answer)

    @app.get("/")
    def page(channel: str = "") -> HTMLResponse:
        return HTMLResponse(rendered(store, channel))

    return app


async def _arguments(request: Request) -> Arguments:
    """Of the query and of the body, whichever form it has."""
    arguments: Arguments = dict(request.query_params)
    body = await request.body()
    if request.headers.get("Content-Type", "").startswith("application/json"):
        try:
            sent = json.loads(body or b"{}")
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(sent, dict):
            raise SlackError("json_not_object")
        arguments |= sent
    else:
        arguments |= dict(parse_qsl(body.decode()))
    for name in _STRUCTURED:
        if isinstance(arguments.get(name), str):
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError:
                code = "invalid_metadata_format" if name == "metadata" else "invalid_blocks_format"
                raise SlackError(code) from None
    return arguments


def _page(items: list[Any], arguments: Arguments, default: int) -> tuple[list[Any], str]:
    """One page, and the cursor of the next; empty at the end."""
    try:
        first, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or default)
    except ValueError:
        raise SlackError("invalid_cursor") from None
    limit = max(1, min(limit, 999))
    return items[first : first + limit], str(first + limit) if first + limit < len(items) else ""


def _in_time(message: Message, arguments: Arguments) -> bool:
    try:
        oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    return oldest < float(message.ts) < latest


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id, "name": channel.name, "name_normalized": channel.name, "created": channel.created,
        "is_channel": True, "is_private": False, "is_archived": False, "is_member": True,
    }  # fmt: skip


def _outage(fault: Fault) -> Response:
    if fault.status == 429:
        headers = {"Retry-After": str(int(fault.seconds))}
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers)
    return Response(fault.message, fault.status, media_type="text/plain")
