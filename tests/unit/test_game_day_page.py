"""The page that a game day is held against."""

from __future__ import annotations

import pytest

from tests.gameday.documented import documented
from tests.gameday.incidents import INCIDENTS, Incident
from tests.gameday.stage import Said


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_every_incident_is_told_once_and_so_is_its_recovery(incident: Incident):
    messages, replies = [], []
    for line in documented(incident.name):
        (replies if line.startswith("↳ ") else messages).append(line)
    assert len(messages) == incident.told
    assert ["Recovered" in reply for reply in replies] == [True]


def test_an_incident_without_a_section_is_a_fault_of_the_page():
    with pytest.raises(LookupError, match=r"gameday\.md"):
        documented("no-such-incident")


def test_numbers_and_lengths_of_time_are_the_same_on_every_game_day():
    said = [
        Said(False, f"✅ shop_us: was late (recovered after {time})", "1")
        for time in ("less than a minute", "1 h 3 min")
    ]
    assert {one.pattern for one in said} == {"✅ shop_us: was late (recovered after #)"}
