from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.slack.checks import SlackError, check_content
from localcloud.slack.mrkdwn import html
from localcloud.slack.page import rendered
from localcloud.slack.store import Store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold*, _soft_ and ~gone~", "<strong>bold</strong>, <em>soft</em> and <s>gone</s>"),
        ("a_b_c and 2*3*4", "a_b_c and 2*3*4"),
        ("`*code*` here", "<code>*code*</code> here"),
        ("```two\nlines```", "<pre>two\nlines</pre>"),
        ("<https://x.example/?a=1&amp;b=2|a_link_>", '<a href="https://x.example/?a=1&amp;b=2">a_link_</a>'),
        ("~<https://x.example|shop>~", '<s><a href="https://x.example">shop</a></s>'),
        ("<!date^1357095600^{date} {time}|2013-01-02 03:00 UTC>", "2013-01-02 03:00 UTC"),
        ("<!subteam^S012> <@U01> <!here>", '<span class="mention">@S012</span> <span class="mention">@U01</span> '
         '<span class="mention">@here</span>'),
        ("&lt;b&gt; &amp; \"quotes\"", "&lt;b&gt; &amp; &quot;quotes&quot;"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
        (":white_check_mark: :unknown:", "✅ :unknown:"),
    ],
)  # fmt: skip
def test_mrkdwn_becomes_the_html_that_slack_would_show(text: str, expected: str) -> None:
    assert html(text) == expected


def test_ids_of_messages_are_unique_and_rise_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "slack.db", ["one", "two"])
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)
    one, two = store.channel("#one"), store.channel("two")
    assert one
    assert two
    sent = [store.add(channel, "x", [], None, None).ts for channel in (one, two, one)]
    assert sent == sorted(set(sent))
    assert store.edit(store.history(one)[0], text="y").edited_ts > sent[-1]  # type: ignore[operator]
    assert [len(ts.split(".")[1]) for ts in sent] == [6, 6, 6]


def test_the_page_shows_threads_and_lets_nobody_write_markup(tmp_path: Path) -> None:
    store = Store(tmp_path / "slack.db", ["data-alerts", "other"])
    channel = store.channel("data-alerts")
    assert channel
    header = {"type": "header", "text": {"type": "plain_text", "text": "<i>broken</i>"}}
    fields = {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Day*\n2013-01-02"}]}
    parent = store.add(channel, "text", [header, fields], None, None)
    store.add(channel, "well <b>again</b>", [], parent.ts, None)
    page = rendered(store)
    assert "&lt;i&gt;broken&lt;/i&gt;" in page
    assert "<strong>Day</strong>" in page
    assert "1 reply" in page
    assert "<b>again" not in page
    assert '<a href="/?channel=other">' in page
    assert "Nothing has been told here" in rendered(store, "other")


def test_a_page_without_channels_is_a_page(tmp_path: Path) -> None:
    assert "no channel" in rendered(Store(tmp_path / "slack.db"))


@pytest.mark.parametrize(
    ("block", "accepted"),
    [
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * 150}}, True),
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, False),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, False),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}, True),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, False),
        ({"type": "section"}, False),
        ({"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}, False),
        ({"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}, False),
        ({"type": "context", "elements": []}, False),
        ({"type": "divider"}, True),
        ({"type": "marquee"}, False),
        ("text", False),
    ],
)
def test_blocks_are_held_against_slacks_limits(block: object, accepted: bool) -> None:
    if accepted:
        check_content("x", [block], None)
        return
    with pytest.raises(SlackError) as error:
        check_content("x", [block], None)
    assert error.value.code == "invalid_blocks"
