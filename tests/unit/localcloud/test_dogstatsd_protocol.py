"""DogStatsD's datagrams, as Datadog's documentation describes them."""

from __future__ import annotations

import pytest

from localcloud.dogstatsd import heard as heard_module
from localcloud.dogstatsd.heard import MAX_MALFORMED, Heard, Series
from localcloud.dogstatsd.protocol import MalformedError, parse


@pytest.fixture
def heard() -> Heard:
    return Heard()


def only(heard: Heard) -> Series:
    (series,) = heard.series.values()
    return series


@pytest.mark.parametrize(
    ("line", "type_"),
    [
        ("page.views:1|c", "count"),
        ("fuel.level:0.5|g", "gauge"),
        ("fuel.level:-3e2|g", "gauge"),
        ("song.length:240|h|@0.5", "histogram"),
        ("song.length:240|ms", "timer"),
        ("users.uniques:some:one|s", "set"),
        ("users.online:1|c|@0.5|#country:china", "count"),
        ("page.views:1:2:32|d", "distribution"),
        ("page.views:1|g|#env:dev|c:83c0a99c0a54c0c187f461c7980e9b57f3f6a8b0c918c8d93df19a9de6f3fe1d", "gauge"),
        ("page.views:15|c|#env:dev|T1656581400", "count"),
        ("page.views:1|c|e:it-false,cn-nginx,pu-75a2b6d5|card:low", "count"),
    ],
)
def test_every_form_of_the_documentation_is_read(line: str, type_: str):
    assert parse(line).type == type_


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1.views:1|c", "a letter first"),
        ("page views:1|c", "a letter first"),
        ("page.views", "expected <name>:<value>"),
        ("page.views:1", "expected a type"),
        ("page.views:1|x", "expected a type"),
        ("page.views:one|c", "found the value 'one'"),
        ("page.views:nan|g", "found the value 'nan'"),
        ("page.views:1::2|d", "found the value ''"),
        ("page.views:|s", "found the value ''"),
        ("page.views:1|c|@0", "sample rate '0'"),
        ("page.views:1|c|@1.5", "sample rate '1.5'"),
        ("page.views:1|g|@0.5", "of a gauge"),
        ("page.views:1|c|#env:dev,,", "found the tag ''"),
        ("page.views:1|c|#1env:dev", "found the tag '1env:dev'"),
        ("page.views:1|c|#env:a b", "found the tag 'env:a b'"),
        ("page.views:1|d|T1656581400", "found the field 'T1656581400'"),
        ("page.views:1|c|card:some", "found the field"),
        ("page.views:1|c|env:dev", "found the field 'env:dev'"),
    ],
)
def test_what_the_agent_would_drop_is_refused_with_what_was_expected(line: str, words: str):
    with pytest.raises(MalformedError) as failure:
        parse(line)
    assert words in str(failure.value)


def test_a_datagram_holds_several_lines_and_a_bad_one_does_not_spoil_the_others(heard: Heard):
    heard.datagram(b"a:1|c\nbad\na:2|c\n\xff:1|c")
    assert (only(heard).sum, only(heard).count, only(heard).last) == (3, 2, 2)
    assert [entry["line"] for entry in heard.malformed] == ["bad", "\ufffd:1|c"]
    assert (heard.datagrams, heard.samples) == (1, 2)


def test_a_sample_rate_is_made_up_for(heard: Heard):
    heard.datagram(b"a:3|c|@0.5")
    assert (only(heard).sum, only(heard).count) == (6, 2)


def test_packed_values_are_samples_of_their_own(heard: Heard):
    heard.datagram(b"a:5:1:3|d|#x:y")
    series = only(heard)
    assert (series.count, series.sum, series.min, series.max, series.last) == (3, 9, 1, 5, 3)


def test_the_order_of_tags_does_not_matter_and_the_type_does(heard: Heard):
    heard.datagram(b"a:1|c|#x:1,y:2\na:1|c|#y:2,x:1\na:1|g|#x:1,y:2")
    assert sorted((series.type, series.count) for series in heard.series.values()) == [("count", 2), ("gauge", 1)]


def test_events_and_service_checks_are_counted(heard: Heard):
    heard.datagram(b"_e{5,4}:title|text|t:error|#env:dev\n_sc|Redis connection|2|#env:dev|m:away\n_e{a}:no\n_sc|x|9")
    assert (heard.events, heard.service_checks, len(heard.malformed)) == (1, 1, 2)


def test_what_is_kept_is_bounded(heard: Heard, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heard_module, "MAX_SERIES", 3)
    heard.datagram("\n".join(f"a{number}:1|c" for number in range(5)).encode())
    heard.datagram(b"a0:1|c")
    assert (len(heard.series), heard.dropped, heard.samples) == (3, 2, 4)
    for _ in range(MAX_MALFORMED + 1):
        heard.datagram(b"x" * 60_000)
    assert len(heard.malformed) == MAX_MALFORMED
    assert len(heard.malformed[0]["line"]) == 500


def test_forgotten_is_as_at_the_start(heard: Heard):
    heard.datagram(b"a:1|c\nbad")
    heard.forget()
    assert heard == Heard()
