"""The page for people: one channel with its messages and threads, drawn from their blocks."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from localcloud.slack.mrkdwn import html
from localcloud.slack.store import Message, Store

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3d42); --soft: light-dark(#5f6368, #a4a8ae);
  --back: light-dark(#fff, #1a1d21); --side: light-dark(#f6f3f7, #141619); --code: light-dark(#c0264b, #f08ba3);
  --link: light-dark(#1264a3, #6cb4ee); --chip: light-dark(#f4f4f4, #25282d); }
* { box-sizing: border-box }
body { margin: 0; display: flex; min-height: 100vh; background: var(--back);
  font: 15px/1.47 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
nav { width: 13rem; flex: none; padding: 1rem; background: var(--side); border-right: 1px solid var(--line) }
nav h1 { font-size: 1rem; margin: 0 0 1rem } nav p { color: var(--soft); font-size: .8rem }
nav a { display: block; padding: .2rem .5rem; border-radius: .4rem; color: inherit; text-decoration: none }
nav a[aria-current] { background: var(--link); color: var(--back); font-weight: 600 }
main { flex: 1; min-width: 0; max-width: 60rem; padding: 1rem 1.5rem } main > h2 { margin: 0 0 .5rem }
article { display: flex; gap: .7rem; padding: .7rem 0; border-top: 1px solid var(--line) }
article article { border: 0; padding: .4rem 0 }
.face { flex: none; width: 2.2rem; height: 2.2rem; border-radius: .4rem; background: #2d6a75; color: #fff;
  display: grid; place-items: center; font-weight: 700 }
article article .face { width: 1.6rem; height: 1.6rem; font-size: .8rem }
.body { min-width: 0; flex: 1; overflow-wrap: anywhere } .body > p { margin: 0 }
.who { font-weight: 700 } time, .edited, .context { color: var(--soft); font-size: .8rem }
h3 { font-size: 1.1rem; margin: .2rem 0 .3rem } .section { margin: .35rem 0; white-space: pre-wrap }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: .4rem 1rem }
.fields > div { white-space: pre-wrap }
code, pre { font: .85em ui-monospace, Menlo, Consolas, monospace; background: var(--chip); border-radius: .3rem;
  border: 1px solid var(--line) }
code { color: var(--code); padding: 0 .25em } pre { padding: .5rem; margin: .3rem 0; white-space: pre-wrap }
a { color: var(--link) } .mention { background: light-dark(#fdf3c8, #4a4017); border-radius: .2rem; padding: 0 .2em }
details { margin-top: .4rem } summary { color: var(--link); cursor: pointer; font-size: .85rem; font-weight: 600 }
@media (max-width: 600px) { body { display: block } nav { width: auto; border: 0 } main { padding: .7rem } }
"""


def rendered(store: Store, channel_name: str = "") -> str:
    """The page with the channel of that name; otherwise with the first one."""
    channels = store.channels()
    channel = store.channel(channel_name) if channel_name else None
    channel = channel or (channels[0] if channels else None)
    links = []
    for one in channels:
        current = ' aria-current="page"' if one == channel else ""
        links.append(f'<a href="/?channel={quote(one.name)}"{current}># {escape(one.name)}</a>')
    messages = store.history(channel) if channel else []
    articles = [_article(one, store.replies(channel, one.ts) if channel else []) for one in messages]
    title = f"#{channel.name}" if channel else "no channel"
    shown = "".join(articles) or "<p>Nothing has been told here.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - local Slack</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><nav><h1>Local Slack</h1>{''.join(links)}<p>For development only. It speaks Slack's API.</p></nav>"
        f"<main><h2>{escape(title)}</h2>{shown}</main></body></html>"
    )


def _article(message: Message, replies: list[Message]) -> str:
    moment = datetime.fromtimestamp(float(message.ts), UTC)
    edited = ' <span class="edited">(edited)</span>' if message.edited_ts else ""
    content = "".join(_block(block) for block in message.blocks) or f'<div class="section">{html(message.text)}</div>'
    thread = ""
    if replies:
        count = f"{len(replies)} {'reply' if len(replies) == 1 else 'replies'}"
        thread = f"<details open><summary>{count}</summary>{''.join(_article(one, []) for one in replies)}</details>"
    return (
        f'<article data-ts="{message.ts}"><div class="face" aria-hidden="true">T</div><div class="body">'
        f'<p><span class="who">Tributary</span> <time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S} UTC'
        f"</time>{edited}</p>{content}{thread}</div></article>"
    )


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h3>{_text(block['text'])}</h3>"
    if kind == "section":
        text = f'<div class="section">{_text(block["text"])}</div>' if "text" in block else ""
        fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields", []))
        return text + (f'<div class="section fields">{fields}</div>' if fields else "")
    if kind == "context":
        return f'<div class="context">{" ".join(_text(one) for one in block["elements"] if "text" in one)}</div>'
    return "<hr>" if kind == "divider" else f"<div>[{escape(kind)}]</div>"


def _text(value: dict[str, Any]) -> str:
    return html(value["text"]) if value["type"] == "mrkdwn" else escape(value["text"])
