"""Dashboards, monitors and SLOs: every query can be answered with what is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import datadog_files
from tests.support.datadog_files import AGGREGATORS, OF_CLIENT, OF_WATCH, Query, files, metrics_used, queries, threshold
from tributary.failures import TABLES
from tributary.telemetry.catalogue import METRICS, Kind

QUERIES = queries()
MONITORS = files("monitors")
SLOS = files("slos")
DASHBOARDS = files("dashboards")
# The values that a query may ask for by name; of other tags (database, app, model) none.
VALUES = {
    "state": {"success", "failed", "up_for_retry", "skipped", "passed", "error"},
    "stage": {"dump", "staging", "raw", "marts", "consolidated", "quarantine", "stored", "sync"},
    "layer": {"raw", "marts", "consolidated"},
    "rule": {"unique", "other"},
    "step": {"find_dump", "preflight", "import_dump", "sync", "reconcile", "validate_raw", "transform", "publish"},
    "reason": set(yaml.safe_load(TABLES.read_text())["reasons"]),
    "database": {"consolidate"},
}


def of(query: Query) -> str:
    return f"{query.file}: {query.text}"


def test_there_are_files_of_every_kind():
    assert {name.removesuffix(".json") for name in DASHBOARDS} == {
        "dashboards/executive", "dashboards/on_call", "dashboards/debug",
    }  # fmt: skip
    assert len(MONITORS) >= 10
    assert len(SLOS) == 5
    assert len(QUERIES) > 60


@pytest.mark.parametrize("query", QUERIES, ids=of)
def test_a_query_names_a_metric_its_tags_and_an_aggregation_that_fits(query: Query):
    metric = METRICS[query.metric]
    assert query.tags <= set(metric.tags), f"{metric.name} has {', '.join(metric.tags)}"
    assert query.aggregator in AGGREGATORS[metric.kind]
    if query.aggregator == "sum" and metric.kind is Kind.gauge:
        assert metric.name in OF_WATCH, "several machines send this gauge: their sum would count a database twice"
    assert query.as_count is (metric.kind is Kind.counter or query.aggregator == "count")
    assert query.rollup in (None, query.aggregator), (
        "a roll-up over time that differs from the one over series misleads"
    )
    for tag, value in query.values.items():
        assert value in VALUES[tag], f"{tag}:{value} is never sent"


def test_every_metric_is_looked_at_by_some_dashboard():
    assert set(metrics_used()) == set(METRICS)


def test_every_tag_is_used_for_something():
    used = metrics_used()
    never = {name: set(metric.tags) - used[name] for name, metric in METRICS.items()}
    assert {name: tags for name, tags in never.items() if tags} == {}, "each value of a tag costs a time series"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_has_what_datadog_wants(name: str):
    dashboard = DASHBOARDS[name]
    assert dashboard["layout_type"] == "ordered"
    assert dashboard["title"].startswith("Tributary")
    for widget in datadog_files.widgets(dashboard["widgets"]):
        assert widget.get("title") or widget["type"] == "note"
        for request in widget.get("requests", ()):
            if "queries" in request:
                scalar = widget["type"] in {"query_value", "query_table", "toplist"}
                assert request["response_format"] == ("scalar" if scalar else "timeseries")
                assert all(("aggregator" in query) is scalar for query in request["queries"])


@pytest.mark.parametrize("name", MONITORS)
def test_a_monitor_says_what_to_do_and_to_whom(name: str):
    monitor = MONITORS[name]
    assert monitor["type"] == "query alert"
    assert re.search(r"\bdocs/runbooks/[a-z0-9-]+\.md\b", monitor["message"])
    assert "@slack-" in monitor["message"]
    assert "Readers: " in monitor["message"]
    assert "service:tributary" in monitor["tags"]
    assert 1 <= monitor["priority"] <= 5


@pytest.mark.parametrize("name", MONITORS)
def test_a_monitor_s_thresholds_are_those_of_its_query(name: str):
    comparator, number = threshold(name, MONITORS[name])
    limits = MONITORS[name]["options"]["thresholds"]
    assert limits["critical"] == number
    if "warning" in limits:
        assert limits["warning"] < number if comparator.startswith(">") else limits["warning"] > number


@pytest.mark.parametrize("name", MONITORS)
def test_a_monitor_names_only_tags_that_it_groups_by(name: str):
    monitor = MONITORS[name]
    named = set(re.findall(r"\{\{(\w+)\.name\}\}", monitor["name"] + monitor["message"]))
    grouped = set(",".join(re.findall(r" by \{([\w,]+)\}", monitor["query"])).split(",")) - {""}
    assert named <= grouped


def test_somebody_is_told_when_nobody_watches():
    options = MONITORS["monitors/watch_gone.json"]["options"]
    assert options["notify_no_data"] is True
    assert options["no_data_timeframe"] == 30


@pytest.mark.parametrize("name", [*MONITORS, *SLOS])
def test_alerts_are_about_production_alone(name: str):
    document: dict[str, Any] = {**MONITORS, **SLOS}[name]
    scopes = re.findall(r"tributary\.[\w.]+\{([^{}]*)\}", str(document))
    assert scopes
    assert all("env:prod" in scope.split(",") for scope in scopes)


@pytest.mark.parametrize("name", SLOS)
def test_an_objective_has_targets_that_datadog_takes(name: str):
    slo = SLOS[name]
    assert slo["type"] in {"metric", "time_slice"}
    for limit in slo["thresholds"]:
        assert limit["timeframe"] in {"7d", "30d", "90d"}
        assert 0 < limit["target"] < limit["warning"] < 100


def test_the_objectives_are_those_that_are_promised():
    targets = {
        name.removeprefix("slos/").removesuffix(".json"): slo["thresholds"][0]["target"] for name, slo in SLOS.items()
    }
    assert targets == {"success_rate": 99, "freshness": 99, "quality": 99.9, "duplicates": 99.99, "recovery": 90}


@pytest.mark.parametrize(
    "text",
    [
        "sum:system.cpu{*}",
        "sum:tributary.rows{*",
        "tributary.rows{*}",
        "sum:tributary.rows{*} by database",
        "anomalies(max:tributary.rows{*}, 'basic', 2)",
    ],
)
def test_a_query_of_another_form_is_refused(text: str):
    with pytest.raises(ValueError, match="expected <aggregator>:tributary"):
        datadog_files._query("a file", text)


def test_tags_of_the_client_are_not_of_the_catalogue():
    assert not OF_CLIENT & {tag for metric in METRICS.values() for tag in metric.tags}


def test_what_was_not_heard_is_named():
    series = {"name": "tributary.runs.finished", "type": "count", "tags": ["database:shop_eu", "state:success"]}
    heard = {"series": [series]}
    assert datadog_files.missing(heard, ["runs.finished"]) == ["tributary.runs.finished: heard without app"]
    series["tags"] = ["app:retail", "database:shop_eu", "state:success"]
    assert datadog_files.missing(heard, ["runs.finished"]) == []
    series["type"] = "gauge"
    assert datadog_files.missing(heard, ["runs.finished"]) == [
        "tributary.runs.finished: heard as {'gauge'}, expected count"
    ]


def test_the_readme_lists_every_kind(root: Path):
    text = (root / "infra" / "datadog" / "README.md").read_text()
    assert all(f"`{kind}/`" in text for kind in ("dashboards", "monitors", "slos"))
