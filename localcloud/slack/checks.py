"""What Slack refuses in a message, by its published limits.

https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/messaging/message-metadata
"""

from __future__ import annotations

import re
from typing import Any

TEXT, BLOCKS = 40_000, 50
HEADER, SECTION, FIELD, FIELDS, ELEMENTS = 150, 3000, 2000, 10, 10
KNOWN = ("header", "section", "context", "divider", "image", "actions", "rich_text")


class SlackError(Exception):
    """Answered as ``{"ok": false, "error": code}``, with *messages* where Slack says more."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages


def check_content(text: str, blocks: Any, metadata: Any) -> None:
    """Raise SlackError for what may not be posted."""
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > TEXT:
        raise SlackError("msg_too_long")
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > BLOCKS:
        raise SlackError("invalid_blocks", f"no more than {BLOCKS} items allowed [json-pointer:/blocks]")
    for number, block in enumerate(blocks):
        fault = _fault(block)
        if fault:
            raise SlackError("invalid_blocks", f"{fault} [json-pointer:/blocks/{number}]")
    if metadata is not None:
        _check_metadata(metadata)


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if not re.fullmatch(r"\w+", str(metadata.get("event_type", ""))) or not isinstance(
        metadata.get("event_payload"), dict
    ):
        raise SlackError("invalid_metadata_schema")


def _fault(block: Any) -> str | None:
    if not isinstance(block, dict) or block.get("type") not in KNOWN:
        return "unsupported type"
    if block["type"] == "header":
        return _text_fault(block.get("text"), HEADER, ("plain_text",))
    if block["type"] == "section":
        fields = block.get("fields", [])
        if "text" not in block and not fields:
            return "missing required field: text or fields"
        if len(fields) > FIELDS:
            return f"no more than {FIELDS} fields allowed"
        faults = [_text_fault(block["text"], SECTION)] if "text" in block else []
        faults += [_text_fault(field, FIELD) for field in fields]
        return next((fault for fault in faults if fault), None)
    if block["type"] == "context":
        elements = block.get("elements") or []
        if not 1 <= len(elements) <= ELEMENTS:
            return f"expected 1 to {ELEMENTS} elements"
        faults = [_text_fault(element, SECTION) for element in elements if element.get("type") != "image"]
        return next((fault for fault in faults if fault), None)
    return None


def _text_fault(value: Any, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> str | None:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        return f"expected a text object of type {' or '.join(kinds)}"
    if not isinstance(value.get("text"), str) or not value["text"]:
        return "must be more than 0 characters"
    if len(value["text"]) > limit:
        return f"must be less than {limit + 1} characters"
    return None
