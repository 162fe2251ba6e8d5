"""What is on the wire, and what happens where there is no agent."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.unit.telemetry.conftest import Agent, Datagram
from tributary.telemetry import metrics
from tributary.telemetry.catalogue import METRICS, Kind, UnknownMetricError, check, markdown

EU = {"database": "shop_eu", "app": "retail"}


def test_each_kind_is_sent_at_once_with_its_prefix_and_tags(agent: Agent):
    metrics.gauge("freshness_seconds", 12.5, **EU)
    metrics.increment("deadline.missed", **EU)
    metrics.timing("task.duration", 3.25, **EU, step="sync", state="success")
    assert agent.heard() == [
        Datagram("tributary.freshness_seconds", 12.5, "g", EU),
        Datagram("tributary.deadline.missed", 1, "c", EU),
        Datagram("tributary.task.duration", 3.25, "d", {**EU, "step": "sync", "state": "success"}),
    ]


def test_a_tag_without_a_value_is_left_out(agent: Agent):
    metrics.gauge("freshness_seconds", 0, database="consolidate", app=None)
    assert agent.heard() == [Datagram("tributary.freshness_seconds", 0, "g", {"database": "consolidate"})]


def test_datadog_s_own_variables_become_tags(agent: Agent, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics, "_made", None)
    monkeypatch.setenv("DD_ENV", "prod")
    monkeypatch.setenv("DD_SERVICE", "tributary")
    monkeypatch.setenv("DD_VERSION", "1.2")
    metrics.gauge("freshness_seconds", 1, **EU)
    monkeypatch.setattr(metrics, "_made", None)
    (sent,) = agent.heard()
    assert sent.tags == {**EU, "env": "prod", "service": "tributary", "version": "1.2"}


@pytest.mark.parametrize(
    ("send", "words"),
    [
        (lambda: metrics.gauge("freshness", 1), "'freshness' is unknown; expected one of"),
        (lambda: metrics.gauge("rows", 1, run_id="x"), "rows has no tag 'run_id'; expected database, app, stage"),
        (lambda: metrics.increment("rows", 1), "rows is a gauge; it was sent as a count"),
        (lambda: metrics.gauge("rows", float("nan")), "rows: found nan, expected a finite number"),
        (lambda: metrics.gauge("rows", None), "rows: found None"),  # type: ignore[arg-type]
    ],
)
def test_what_the_catalogue_does_not_have_raises_in_tests_and_is_dropped_elsewhere(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, send: Any, words: str
):
    with pytest.raises(UnknownMetricError, match=words.replace("'", ".")):
        send()
    monkeypatch.setattr(metrics, "strict", False)
    send()
    assert words in caplog.text
    assert agent.heard() == []


def test_a_fork_sends_over_a_socket_of_its_own(agent: Agent):
    metrics.gauge("rows", 1, stage="raw")
    child = os.fork()
    if child == 0:
        metrics.gauge("rows", 2, stage="raw")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    metrics.gauge("rows", 3, stage="raw")
    assert [sent.value for sent in agent.heard()] == [1, 2, 3]


def test_without_an_agent_nothing_is_imported():
    program = """
import sys
from tributary.telemetry import metrics
metrics.gauge("rows", 1, stage="raw")
heavy = {"datadog", "requests", "airflow", "pydantic", "yaml"} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DD_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", program], env={**environment, "DD_AGENT_HOST": ""}, check=True)


def test_an_agent_that_is_away_costs_no_time_and_no_word(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DD_DOGSTATSD_PORT", str(gone.getsockname()[1]))
    caplog.set_level(logging.INFO)
    metrics.gauge("rows", 0, stage="raw")
    start = time.perf_counter()
    for number in range(200):
        metrics.gauge("rows", number, stage="raw")
    assert time.perf_counter() - start < 1
    assert caplog.text == ""


def test_a_name_that_nobody_knows_is_given_up_soon_and_asked_for_once(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    asked = []
    find = socket.getaddrinfo

    def hang(host: str, *args: Any, **options: Any) -> Any:
        if host != "agent.invalid":  # another test's thread
            return find(host, *args, **options)
        asked.append(host)
        time.sleep(3)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setenv("DD_AGENT_HOST", "agent.invalid")
    start = time.perf_counter()
    for _ in range(5):
        metrics.gauge("rows", 1, stage="raw")
    assert time.perf_counter() - start < 2
    assert asked == ["agent.invalid"]
    assert "agent.invalid was not found" in caplog.text


def test_a_name_is_looked_up_and_the_agent_found(agent: Agent, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DD_AGENT_HOST", "localhost")
    monkeypatch.setattr(metrics, "LOOK_UP_SECONDS", 5)
    metrics.gauge("rows", 1, stage="raw")
    assert len(agent.heard()) == 1


def test_a_client_that_fails_fails_nobody(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("DD_DOGSTATSD_PORT", "no port")
    metrics.gauge("rows", 1, stage="raw")
    assert "The metric rows was not sent" in caplog.text


def test_every_metric_of_the_catalogue_can_be_sent_with_all_its_tags(agent: Agent):
    send = {Kind.gauge: metrics.gauge, Kind.counter: metrics.increment, Kind.distribution: metrics.timing}
    for metric in METRICS.values():
        check(metric.name, metric.kind, 1, metric.tags)
        send[metric.kind](metric.name, 1, **dict.fromkeys(metric.tags, "x"))
    assert [(sent.name, set(sent.tags)) for sent in agent.heard()] == [
        (f"tributary.{metric.name}", set(metric.tags)) for metric in METRICS.values()
    ]


def test_the_table_has_a_row_for_each_metric():
    lines = markdown().splitlines()
    assert len(lines) == len(METRICS) + 2
    assert all(line.count("|") == 7 for line in lines)
