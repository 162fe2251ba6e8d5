"""Slack's mrkdwn as HTML: bold, italic, struck out, code, links, mentions, dates, a few emoji.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from html import escape, unescape

_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_CONTROL = re.compile(r"<([^<>\n]+)>")
_STYLES = (
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~([^~\n]+)~(?![\w~])"), r"<s>\1</s>"),
)
EMOJI = {
    "white_check_mark": "✅", "rotating_light": "🚨", "warning": "⚠️", "red_circle": "🔴", "large_green_circle": "🟢",
    "memo": "📝", "hourglass": "⌛",
}  # fmt: skip


def html(text: str) -> str:
    """The text as HTML; nothing in it becomes markup but what Slack makes of it."""
    parts, end = [], 0
    for found in _CODE.finditer(text):
        parts.append(_flowing(text[end : found.start()]))
        block, inline = found.groups()
        parts.append(f"<pre>{_plain(block.strip())}</pre>" if block else f"<code>{_plain(inline)}</code>")
        end = found.end()
    return "".join([*parts, _flowing(text[end:])])


def _flowing(text: str) -> str:
    # Links keep their place under a private character while the rest is styled, so that styles may go around them.
    controls: list[str] = []

    def keep(found: re.Match[str]) -> str:
        controls.append(_control(found[1]))
        return chr(0xE000 + len(controls) - 1)

    text = _plain(_CONTROL.sub(keep, text))
    for pattern, replacement in _STYLES:
        text = pattern.sub(replacement, text)
    text = re.sub(r":(\w+):", lambda found: EMOJI.get(found[1], found[0]), text)
    for number, control in enumerate(controls):
        text = text.replace(chr(0xE000 + number), control)
    return text


def _control(content: str) -> str:
    """What stands between angle brackets."""
    target, _, label = content.partition("|")
    if target.startswith("!date^"):
        return _plain(label)
    if target.startswith(("@", "!", "#")):
        name = label or target.lstrip("@!#").removeprefix("subteam^")
        return f'<span class="mention">@{_plain(name)}</span>'
    if target.startswith(("http://", "https://", "mailto:")):
        return f'<a href="{escape(unescape(target))}">{_plain(label or target)}</a>'
    return escape(f"<{content}>")


def _plain(text: str) -> str:
    """Slack has escaped &, < and >; HTML wants quotes escaped, too."""
    return escape(unescape(text))
