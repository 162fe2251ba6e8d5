"""What Slack's refusals mean: wait, have a person do something, or let it be. Pure."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from tributary.errors import TributaryError

CONNECTION = "slack_default"
# Where Slack does not say for how long it wants to be left alone.
_PAUSE = 30.0
_HOUR = 3600.0

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
PASSING = frozenset(
    "ratelimited rate_limited internal_error fatal_error service_unavailable request_timeout team_added_to_org "
    "accesslimited org_login_required ekm_access_denied".split()
)
OF_THE_TOKEN = frozenset(
    "no_connection not_authed invalid_auth account_inactive token_revoked token_expired missing_scope "
    "not_allowed_token_type no_permission two_factor_setup_required".split()
)
OF_THE_MESSAGE = frozenset(
    "message_not_found thread_not_found cant_update_message edit_window_closed is_inactive".split()
)
OF_THE_FORM = frozenset("invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long".split())


log = logging.getLogger(__name__)


class SlackAway(TributaryError):
    """Slack cannot be reached, or wants to be left alone; `seconds`: for how long."""

    def __init__(self, message: str, seconds: float = _PAUSE) -> None:
        super().__init__(message)
        self.seconds = seconds


class SlackRefused(TributaryError):
    """Slack does not take a message, and will not before a person has done something.

    `code` is Slack's word for why.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def everywhere(self) -> bool:
        """Whether it is so in all channels."""
        return self.code in OF_THE_TOKEN


class SlackForgot(TributaryError):
    """The message or its thread is gone."""


class SlackMisunderstood(TributaryError):
    """Slack does not understand the blocks of a message."""


def meaning(response: Any, channel: str) -> TributaryError:
    """The error that an answer of Slack's other than `ok` stands for.

    :param response: slack_sdk's SlackResponse.
    :param channel: as the policy names it.
    """
    status = getattr(response, "status_code", 0)
    fields = response.data if isinstance(getattr(response, "data", None), dict) else {}
    code = str(fields.get("error") or "")
    # slack_sdk gives what is no JSON, such as a proxy's page, in the place of the code.
    if status == 429 or status >= 500 or code in PASSING or not re.fullmatch(r"\w{1,60}", code):
        code = code if re.fullmatch(r"\w{1,60}", code) else "nothing readable"
        return SlackAway(f"Slack answered {status} {code}".strip(), _retry_after(response))
    if code in OF_THE_MESSAGE:
        return SlackForgot(code)
    if code in OF_THE_FORM:
        return SlackMisunderstood(code)
    return refusal(code, channel, str(fields.get("needed") or ""))


def refusal(code: str, channel: str, needed: str = "") -> SlackRefused:
    """An error that says what a person has to do; `needed`: the scope that is missing."""
    if code == "channel_not_found":
        todo = f"make the channel, invite the app, or correct `alerts:` in the registry, which names {channel}"
    elif code in ("not_in_channel", "is_archived", "restricted_action"):
        todo = f"invite the app into {channel}, and let it post there"
    elif code == "missing_scope":
        todo = f"give the app the scope {needed or 'that is missing'} and install it again"
    elif code == "no_connection":
        todo = f"make the Airflow connection {CONNECTION} with the bot token as its password"
    elif code in OF_THE_TOKEN:
        todo = f"put a valid bot token into the Airflow connection {CONNECTION}"
    else:
        todo = "look it up in Slack's manual of chat.postMessage"
    words = f"Slack refuses what is to be told in {channel}: {code or 'no reason given'}. To do: {todo}. It is kept."
    return SlackRefused(words, code)


def _retry_after(response: Any) -> float:
    headers = {str(name).lower(): value for name, value in (getattr(response, "headers", None) or {}).items()}
    value = headers.get("retry-after", _PAUSE)
    try:
        return max(float(value[0] if isinstance(value, list) else value), 1.0)
    except (TypeError, ValueError):
        return _PAUSE


class Patience:
    """Leaves Slack alone while it wants that, and says once an hour what a person has to do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._said: dict[str, float] = {}

    def asleep(self) -> bool:
        """Whether Slack is to be left alone now."""
        return self._clock() < self._until

    def away(self, error: SlackAway) -> None:
        """Slack has just been away."""
        self._until = self._clock() + error.seconds
        log.warning("%s; what is to be told is kept, and tried again in %.0f s", error, error.seconds)

    def refused(self, error: SlackRefused) -> None:
        """Slack has just refused something."""
        now, words = self._clock(), str(error)
        if now - self._said.get(words, -_HOUR) >= _HOUR:
            self._said[words] = now
            log.error("%s", words)
