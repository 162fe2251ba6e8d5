"""How values are written, and charts without script."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tributary.ui import charts
from tributary.ui.letters_page import Wish
from tributary.ui.rendering import (
    NOTHING,
    STATIC,
    address,
    breaks,
    code,
    duration,
    first_sentence,
    moment,
    number,
    percent,
    prose,
    segment,
    short_number,
    shown,
    size,
    version,
)
from tributary.ui.security import FormTokens, is_same_origin


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, NOTHING), (0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"),
     (3600, "1 h"), (3900, "1 h 5 min"),
     (3599.7, "1 h")],
)  # fmt: skip
def test_durations(seconds: float | None, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(("share", "words"), [(1.0, "100 %"), (0.9999999, "99.9 %"), (0.99, "99.0 %"), (0.0, "0.0 %")])
def test_nothing_but_all_is_a_hundred_percent(share: float, words: str):
    assert percent(share) == words


def test_numbers_sizes_and_moments():
    assert (number(None), number(12345)) == (NOTHING, "12,345")
    assert [size(value) for value in (None, 12, 12_345, 12_345_678, 5e12)] == [
        NOTHING,
        "12 B",
        "12.3 kB",
        "12.3 MB",
        "5 TB",
    ]
    assert [short_number(value) for value in (0, 950, 1200, 3_400_000)] == ["0", "950", "1.2 k", "3.4 M"]
    at = datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert moment(at) == shown(at) == "2013-01-02 03:04 UTC"
    assert (shown(date(2013, 1, 2)), shown(3)) == ("2013-01-02", "3")


def test_addresses_carry_what_would_end_them():
    assert (
        segment("scheduled__2013-01-02T02:00:00+00:00/../x") == "scheduled__2013-01-02T02%3A00%3A00%2B00%3A00%2F..%2Fx"
    )
    assert address("/a", text="a&b=c d") == "/a?text=a%26b%3Dc+d"
    assert address("/a", **Wish().query()) == "/a"


def test_a_chart_has_neither_script_nor_style_nor_words_to_be_heard():
    drawn = charts.line([(f"2013-01-{day:02}", 1000.0 * day) for day in range(1, 31)], short_number)
    assert drawn.startswith("<svg")
    assert 'aria-hidden="true"' in drawn
    assert not re.search(r"<(style|script|title|desc|defs)|style=|<!--|\bid=", drawn)
    assert "2013-01-01" in drawn
    assert "24 k" in drawn
    assert charts.line([("2013-01-01", 1)], short_number) == ""
    assert charts.line([("2013-01-01", 0), ("2013-01-02", 0)], short_number).startswith("<svg")


def test_a_sparkline_stays_within_its_box():
    points = [tuple(map(int, point.split(","))) for point in charts.sparkline([5, 1, 9]).split()]
    assert points == [(1, 10), (42, 18), (83, 2)]
    assert charts.sparkline([3]) == ""
    assert charts.sparkline([3, 3]) == "1,18 83,18"


def test_a_form_token_is_one_user_s_in_one_browser():
    tokens = FormTokens("key")
    token = tokens.issue("anna", "b1")
    assert tokens.is_good(token, "anna", "b1")
    for user, browser in (("bert", "b1"), ("anna", "b2"), ("anna", ""), ("anna", None)):
        assert not tokens.is_good(token, user, browser)
    assert not FormTokens("other").is_good(token, "anna", "b1")
    # What is joined cannot be cut elsewhere.
    assert tokens.issue("a", "b\0c") != tokens.issue("a\0b", "c") or "\0" not in "a cookie"


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://a.test"}, True),
        ({"origin": "http://a.test"}, True),
        ({"origin": "https://b.test"}, True),
        ({"origin": "https://a.test:8443"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://a.test.evil"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://a.test"}, False),
        ({"sec-fetch-site": "none"}, False),
    ],
)
def test_a_change_is_asked_for_by_our_own_pages(headers: dict[str, str], same: bool):
    assert is_same_origin(headers, "http://a.test/tributary/x", "https://b.test/", "") is same


def test_a_static_file_s_address_changes_with_it():
    assert re.fullmatch(r"[0-9a-f]{12}", version("pages.css"))
    assert version("pages.css") != version("pages.js")


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_signs_stand_out_in_both_schemes(scheme: int):
    """WCAG 2.2, AA: 4.5 for text, 3 for what is drawn."""
    sheet = Path(STATIC / "pages.css").read_text()
    colours = {
        name: (light, dark)[scheme]
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", sheet)
    }
    text = [(ink, paper) for ink in ("text", "muted", "link") for paper in ("page", "card")]
    text += [(f"{kind}-text", f"{kind}-back") for kind in ("good", "warn", "bad", "info")]
    text += [("text", "plain-back"), ("bad-text", "card"), ("card", "failed")]
    drawn = [(sign, paper) for sign in ("landed", "late", "failed", "running", "focus") for paper in ("card", "page")]
    weak = {
        pair: round(contrast, 2)
        for pairs, least in ((text, 4.5), (drawn, 3.0))
        for pair in pairs
        if (contrast := _contrast(colours[pair[0]], colours[pair[1]])) < least
    }
    assert weak == {}


def test_words_of_others_become_code_and_paragraphs_and_nothing_else():
    assert code("`a < b` & <i>") == "<code>a &lt; b</code> &amp; &lt;i&gt;"
    assert prose("One.\n\n  `two`\nmore\n") == "<p>One.</p><p><code>two</code>\nmore</p>"
    assert prose(" ") == ""
    assert breaks("models/stg__a_b<i>_") == "models/<wbr>stg__<wbr>a_<wbr>b&lt;i&gt;_"


@pytest.mark.parametrize(
    ("text", "first"),
    [("One row. And more.", "One row."), ("No end", "No end"), ("At 3.5 m. Yes", "At 3.5 m."), ("", "")],
)
def test_lists_have_the_first_sentence(text: str, first: str):
    assert first_sentence(text) == first
