from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tributary.alerts.slack_errors import (
    Patience,
    SlackAway,
    SlackForgot,
    SlackMisunderstood,
    SlackRefused,
    meaning,
)


def answer(status: int, body: Any, **headers: str) -> Any:
    return SimpleNamespace(status_code=status, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer(429, {"error": "ratelimited"}, Retry_After="7"), SlackAway),
        (answer(503, "not JSON"), SlackAway),
        (answer(200, {"error": "internal_error"}), SlackAway),
        (answer(200, {"error": "Received a response in a non-JSON format: <html>..."}), SlackAway),
        (answer(200, {}), SlackAway),
        (answer(200, {"error": "message_not_found"}), SlackForgot),
        (answer(200, {"error": "invalid_blocks"}), SlackMisunderstood),
        (answer(200, {"error": "channel_not_found"}), SlackRefused),
        (answer(200, {"error": "invalid_auth"}), SlackRefused),
        (answer(200, {"error": "something_new"}), SlackRefused),
    ],
)
def test_an_answer_means_wait_forget_reword_or_have_somebody_act(response: Any, kind: type[Exception]) -> None:
    assert type(meaning(response, "#data")) is kind


@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
def test_slack_is_left_alone_for_as_long_as_it_asks(name: str) -> None:
    error = meaning(SimpleNamespace(status_code=429, data={}, headers={name: "7"}), "#data")
    assert isinstance(error, SlackAway)
    assert error.seconds == 7


@pytest.mark.parametrize(
    ("body", "everywhere", "words"),
    [
        ({"error": "channel_not_found"}, False, "make the channel, invite the app, or correct `alerts:`"),
        ({"error": "not_in_channel"}, False, "invite the app into #data"),
        ({"error": "invalid_auth"}, True, "put a valid bot token into the Airflow connection slack_default"),
        ({"error": "no_connection"}, True, "make the Airflow connection slack_default"),
        ({"error": "missing_scope", "needed": "chat:write"}, True, "give the app the scope chat:write"),
    ],
)
def test_a_refusal_says_what_to_do(body: dict[str, str], everywhere: bool, words: str) -> None:
    error = meaning(answer(200, body), "#data")
    assert isinstance(error, SlackRefused)
    assert error.everywhere is everywhere
    assert words in str(error)


def test_what_a_proxy_says_in_slacks_place_is_not_repeated() -> None:
    error = meaning(answer(502, {"error": "Received ... <html>secret</html>"}), "#data")
    assert "secret" not in str(error)


def test_patience_wakes_when_slack_wants() -> None:
    clock = [0.0]
    patience = Patience(lambda: clock[0])
    patience.away(SlackAway("away", 30))
    assert patience.asleep()
    clock[0] = 30.0
    assert not patience.asleep()
