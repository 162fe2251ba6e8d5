"""The local agent takes what Datadog's own client sends."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from datadog.dogstatsd.base import DogStatsd

from tests.integration.telemetry.conftest import Agent


@pytest.fixture
def client(agent: Agent) -> DogStatsd:
    return DogStatsd(host="127.0.0.1", port=agent.port, disable_telemetry=True, constant_tags=["env:test"])


def series(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in report["series"]}


def test_every_type_of_the_client_is_read(agent: Agent, client: DogStatsd):
    client.gauge("a.gauge", 1.5, tags=["x:y"])
    client.increment("a.count", 3)
    client.decrement("a.count", 1)
    client.distribution("a.distribution", 2)
    client.histogram("a.histogram", 2)
    client.timing("a.timer", 20)
    client.set("a.set", "somebody:else")
    client.gauge_with_timestamp("a.timed", 4, 1_700_000_000)
    report = agent.after(8)
    assert report["malformed"] == []
    found = series(report)
    assert {name: one["type"] for name, one in found.items()} == {
        "a.gauge": "gauge", "a.count": "count", "a.distribution": "distribution", "a.histogram": "histogram",
        "a.timer": "timer", "a.set": "set", "a.timed": "gauge",
    }  # fmt: skip
    assert found["a.gauge"]["tags"] == ["env:test", "x:y"]
    assert (found["a.count"]["sum"], found["a.count"]["count"]) == (2, 2)
    assert found["a.set"]["last"] == "somebody:else"


def test_several_metrics_in_one_datagram_are_several(agent: Agent):
    with DogStatsd(host="127.0.0.1", port=agent.port, disable_telemetry=True, disable_buffering=False) as client:
        for number in range(10):
            client.gauge(f"buffered.{number}", number)
    report = agent.until(lambda report: report["samples"] >= 10)
    assert (report["samples"], report["datagrams"], report["malformed"]) == (10, 1, [])


def test_events_service_checks_and_the_client_s_own_metrics_are_taken(agent: Agent):
    client = DogStatsd(host="127.0.0.1", port=agent.port, telemetry_min_flush_interval=0)
    client.event("A title", "Some text\nof two lines", tags=["a:b"])
    client.service_check("some.check", DogStatsd.WARNING, message="half well")
    client.gauge("a.gauge", 1)
    report = agent.until(lambda report: report["events"] and report["service_checks"] and report["series"])
    assert (report["events"], report["service_checks"], report["malformed"]) == (1, 1, [])
    assert "datadog.dogstatsd.client.metrics" in series(report)


def test_tags_of_people_s_making_arrive_in_a_form_that_datadog_takes(agent: Agent, client: DogStatsd):
    client.gauge("a.gauge", 1, tags=["who:Jürgen & Söhne, Köln|x"])
    report = agent.after(1)
    assert report["malformed"] == []
    assert series(report)["a.gauge"]["tags"] == ["env:test", "who:Jürgen___Söhne__Köln_x"]


def test_the_page_shows_what_it_hears_and_no_markup_of_others(agent: Agent, client: DogStatsd):
    client.gauge("a.gauge", 12_345, tags=["x:y"])
    client.gauge("<script>", 1)
    agent.after(2)
    answer = httpx.get(f"{agent.url}/", timeout=5)
    assert answer.headers["content-type"].startswith("text/html")
    assert "a.gauge" in answer.text
    assert "12,345" in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text


def test_it_forgets_when_asked(agent: Agent, client: DogStatsd):
    client.gauge("a.gauge", 1)
    agent.after(1)
    agent.forget()
    assert agent.report()["series"] == []
