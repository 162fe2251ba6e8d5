"""`alerts`, deadlines and limits in `databases.yaml`: what is taken, what is left out, and how that reads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tributary.alerts.finding import Severity
from tributary.alerts.policy import AlertPolicy
from tributary.errors import RegistryError
from tributary.registry import Registry, load_registry

CONTRACT = "app: toys\ntables: {toys: {primary_key: [id], columns: {id: {type: int}}}}\n"
DATABASES = "databases:\n  first: {app: toys}\n  second: {app: toys, owner: team-b}\n  broken: {app: nothing}\n"


def registry_with(folder: Path, text: str) -> Registry:
    (folder / "contracts").mkdir()
    (folder / "contracts" / "toys.yaml").write_text(CONTRACT)
    (folder / "databases.yaml").write_text(text)
    return load_registry(folder)


def test_the_project_s_own_policy_is_well():
    registry = load_registry()
    assert registry.faults == ()
    assert registry.alerts.channel == "#data-alerts"
    assert registry.consolidation.severity is Severity.page
    assert registry.ops.keep == timedelta(days=400)
    assert registry.databases["shop_eu"].limits.by_step == dict.fromkeys(("import_dump", "sync"), timedelta(hours=2))


def test_a_database_takes_the_defaults_and_may_say_otherwise(tmp_path: Path):
    registry = registry_with(
        tmp_path,
        "defaults: {deadline: 90m, severity: note, limits: {sync: 1h, preflight: 5m}}\n"
        "databases:\n  first: {app: toys}\n"
        "  second: {app: toys, deadline: 1d, severity: page, limits: {sync: 3h, import_dump: null}}\n",
    )
    first, second = registry.databases["first"], registry.databases["second"]
    assert (first.deadline, first.severity) == (timedelta(minutes=90), Severity.note)
    assert (second.deadline, second.severity) == (timedelta(days=1), Severity.page)
    assert first.limits.by_step == {
        "import_dump": timedelta(hours=2),
        "sync": timedelta(hours=1),
        "preflight": timedelta(minutes=5),
    }
    assert second.limits.by_step == {"sync": timedelta(hours=3), "preflight": timedelta(minutes=5)}


def test_a_whole_policy_is_taken(tmp_path: Path):
    registry = registry_with(
        tmp_path,
        DATABASES + "alerts:\n"
        "  channel: '#on-call'\n"
        "  owners: {team-b: {channel: '#team-b', mention: '<!subteam^S0123456>'}}\n"
        "  quiet_hours: {from: 22:00, to: 07:00, time_zone: Europe/Berlin}\n"
        "  silences:\n"
        "    - {databases: [first, broken], until: 2026-12-01T06:00:00Z, reason: it moves}\n"
        "    - {databases: [consolidate], until: 2026-12-01T06:00:00Z, reason: it moves}\n"
        "    - {databases: all, until: 2026-12-01T06:00:00+01:00, reason: the data centre moves}\n"
        "  repeat_after: 12h\n",
    )
    policy = registry.alerts
    assert registry.faults == ()
    assert (policy.channel, policy.channel_of("team-b")) == ("#on-call", "#team-b")
    assert policy.quiet_hours is not None
    assert [len(silence.databases) for silence in policy.silences[:2]] == [2, 1]
    assert policy.silences[2].databases == "all"
    assert policy.repeat_after == timedelta(hours=12)


GOOD = "{databases: all, until: 2026-12-01T06:00:00Z, reason: it moves}"


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ("3", ["alerts: found 3", "expected a mapping"]),
        ("{colour: red}", ["alerts.colour: found 'red'", "unknown key"]),
        ("{channel: alerts}", ["alerts.channel: found 'alerts'", "#data-alerts"]),
        ("{repeat_after: often}", ["alerts.repeat_after: found 'often'", '"1d"']),
        ("{quiet_hours: {from: 25:00, to: 07:00}}", ["alerts.quiet_hours.from: found 1500", '"22:00"']),
        ("{quiet_hours: {from: 22:00}}", ["alerts.quiet_hours.to", "Field required"]),
        ("{quiet_hours: {from: 22:00, to: 07:00, time_zone: Berlin}}", ["quiet_hours.time_zone", "Europe/Berlin"]),
        ("{owners: [team-b]}", ["alerts.owners: found ['team-b']", "expected a mapping"]),
        ("{owners: {team-c: {}}}", ["alerts.owners: found 'team-c'", "data-platform, team-b"]),
        ("{owners: {team-b: {channel: x}}}", ["alerts.owners.team-b.channel: found 'x'"]),
        ("{owners: {team-b: {mention: '@b'}}}", ["alerts.owners.team-b.mention: found '@b'", "<!here>"]),
        ("{silences: {}}", ["alerts.silences: found {}", "expected a list"]),
        (f"{{silences: [{GOOD}, {{databases: all, reason: x}}]}}", ["alerts.silences.1.until", "Field required"]),
        ("{silences: [{databases: all, until: 2026-12-01T06:00:00Z}]}", ["alerts.silences.0.reason", "required"]),
        ("{silences: [{databases: all, until: 2026-12-01T06:00:00Z, reason: ' '}]}", ["reason", "a few words"]),
        ("{silences: [{databases: all, until: 2026-12-01T06:00:00, reason: x}]}", ["until", "timezone"]),
        ("{silences: [{databases: all, until: soon, reason: x}]}", ["silences.0.until: found 'soon'"]),
        (
            "{silences: [{databases: [third], until: 2026-12-01T06:00:00Z, reason: x}]}",
            ["alerts.silences.0.databases: found 'third'", "`all`", "broken, consolidate, first, second"],
        ),
        ("{silences: [{databases: [], until: 2026-12-01T06:00:00Z, reason: x}]}", ["alerts.silences.0.databases"]),
    ],
)
def test_what_is_wrong_is_named_left_out_and_takes_no_database_away(tmp_path: Path, alerts: str, says: list[str]):
    registry = registry_with(tmp_path, f"{DATABASES}alerts: {alerts}\n")
    assert list(registry.databases) == ["first", "second"]
    (fault,) = registry.faults
    assert fault.startswith(f"{tmp_path.name}/databases.yaml: alerts")
    for words in says:
        assert words in fault
    kept = AlertPolicy().silences if GOOD not in alerts else registry.alerts.silences
    assert registry.alerts == AlertPolicy(silences=kept)
    assert len(kept) == (GOOD in alerts)


def test_one_wrong_part_leaves_the_others(tmp_path: Path):
    registry = registry_with(
        tmp_path,
        f"{DATABASES}alerts: {{channel: x, repeat_after: 2d, owners: {{team-b: {{channel: '#b'}}, a: {{}}}}}}\n",
    )
    assert len(registry.faults) == 2
    assert registry.alerts.repeat_after == timedelta(days=2)
    assert list(registry.alerts.owners) == ["team-b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("defaults: {deadline: soon}\n", "defaults.deadline: found 'soon'"),
        ("defaults: {severity: loud}\n", "defaults.severity: found 'loud'"),
        ("defaults: {limits: {synch: 1h}}\n", "defaults.limits.synch: found '1h': unknown key"),
        ("consolidation: {deadline: 0h}\n", "consolidation.deadline: found '0h'"),
        ("ops: {keep: long}\n", "ops.keep: found 'long'"),
    ],
)
def test_what_concerns_every_database_is_an_error_of_the_file(tmp_path: Path, text: str, says: str):
    with pytest.raises(RegistryError) as error:
        registry_with(tmp_path, text + DATABASES)
    assert says in str(error.value)


def test_a_bad_deadline_of_a_database_breaks_that_one_alone(tmp_path: Path):
    registry = registry_with(tmp_path, DATABASES + "  third: {app: toys, deadline: -1h, limits: {sync: x}}\n")
    assert list(registry.databases) == ["first", "second"]
    assert "databases.third.deadline: found '-1h'" in registry.broken[1].error
    assert "databases.third.limits.sync: found 'x'" in registry.broken[1].error
