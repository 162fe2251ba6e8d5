"""What `.ci/deploy` does on the VM, and what it does when that fails."""

from __future__ import annotations

import json

import pytest

from tests.delivery.scripts import Machine

REFERENCE = f"1.4.0@sha256:{'ab' * 32}"
PLACE = {"VM": "tributary-airflow", "ZONE": "europe-west1-b", "HEALTHY_WITHIN": "0", "HEALTHY_PAUSE": "0.1"}
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def health(**sick: str) -> str:
    """What Airflow's API answers; `sick` names the parts that are not healthy."""
    return json.dumps({part: {"status": sick.get(part, "healthy")} for part in PARTS})


def vm(
    machine: Machine,
    *,
    upgrade: str = "true",
    refused: bool = False,
    rollback: str = "true",
    answer: str = "",
    after: str = "",
) -> None:
    """A VM behind gcloud. `after` is its health once it was rolled back, else it stays as it was.

    :param refused: the upgrade ends before it has noted what ran.
    """
    done, note = machine.directory / "rolled-back", machine.directory / "note"
    machine.has(
        "gcloud",
        f"""
        case "$*" in
          *env.previous*) cat {note} 2>/dev/null || echo none ;;
          *deploy/upgrade*) {"" if refused else f"echo noted >{note};"} {upgrade} ;;
          *deploy/rollback*) touch {done}; {rollback} ;;
          *monitor/health*) if [ -e {done} ]; then echo '{after or answer}'; else echo '{answer}'; fi ;;
        esac""",
    )


def steps(machine: Machine) -> list[str]:
    """The scripts that ran on the VM."""
    return [call.split("/opt/tributary/deploy/")[1] for call in machine.asked if "/opt/tributary/deploy/" in call]


def test_a_version_that_comes_up_healthy_stays(machine: Machine):
    vm(machine, answer=health())
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode == 0, done.stderr
    assert steps(machine) == [f"upgrade {REFERENCE}"]


def test_the_vm_is_reached_through_iap_and_by_no_address(machine: Machine):
    vm(machine, answer=health())
    machine.run("deploy", REFERENCE, **PLACE)
    assert machine.asked
    for call in machine.asked:
        assert call.startswith("gcloud compute ssh tributary-airflow --zone europe-west1-b --tunnel-through-iap ")


def test_an_upgrade_that_fails_is_rolled_back_at_once(machine: Machine):
    vm(machine, upgrade="exit 1", answer=health())
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode == 1
    assert steps(machine) == [f"upgrade {REFERENCE}", "rollback"]
    assert "The version before it runs again" in done.stderr


@pytest.mark.parametrize("earlier", [True, False], ids=["after an earlier upgrade", "the first upgrade"])
def test_an_upgrade_that_is_refused_does_not_bring_an_older_version_back(machine: Machine, earlier: bool):
    if earlier:
        (machine.directory / "note").write_text("of the upgrade before\n")
    vm(machine, upgrade="exit 1", refused=True, answer=health())
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode == 1
    assert steps(machine) == [f"upgrade {REFERENCE}"]
    assert "nothing was rolled back" in done.stderr


def test_a_vm_that_is_lost_while_it_is_upgraded_is_left_alone(machine: Machine):
    lost = machine.directory / "lost"
    vm(machine, upgrade=f"touch {lost}; exit 255", answer=health())
    program = machine.programs / "gcloud"
    unanswered = f'if [[ "$*" == *env.previous* ]] && [ -e {lost} ]; then exit 255; fi\n'
    program.write_text(program.read_text().replace("case ", unanswered + "case ", 1))
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode == 1
    assert steps(machine) == [f"upgrade {REFERENCE}"]


def test_a_vm_that_cannot_be_reached_is_left_alone(machine: Machine):
    machine.has("gcloud", "exit 255")
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode != 0
    assert steps(machine) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_version_with_one_part_that_is_not_healthy_is_rolled_back(machine: Machine, part: str):
    vm(machine, answer=health(**{part: "unhealthy"}), after=health())
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode == 1
    assert steps(machine) == [f"upgrade {REFERENCE}", "rollback"]


def test_a_version_that_takes_a_moment_is_waited_for(machine: Machine):
    first = machine.directory / "first"
    first.touch()
    vm(machine, answer=health())
    program = machine.programs / "gcloud"
    late = f'if [[ "$*" == *monitor/health* ]] && [ -e {first} ]; then rm {first}; exit 7; fi\n'
    program.write_text(program.read_text().replace("case ", late + "case ", 1))
    done = machine.run("deploy", REFERENCE, **{**PLACE, "HEALTHY_WITHIN": "30"})
    assert done.returncode == 0, done.stderr
    assert steps(machine) == [f"upgrade {REFERENCE}"]


@pytest.mark.parametrize("answer", ["", "not JSON", "{}"])
def test_no_answer_is_no_health(machine: Machine, answer: str):
    vm(machine, answer=answer, after=health())
    assert machine.run("deploy", REFERENCE, **PLACE).returncode == 1
    assert steps(machine)[-1] == "rollback"


def test_a_roll_back_that_does_not_help_asks_for_somebody(machine: Machine):
    vm(machine, answer=health(scheduler="unhealthy"))
    done = machine.run("deploy", REFERENCE, **PLACE)
    assert done.returncode == 1
    assert "Somebody has to look" in done.stderr


@pytest.mark.parametrize("reference", ["1.4.0", "latest", f"{REFERENCE}; reboot", f"v{REFERENCE}", "$(id)"])
def test_what_is_no_version_with_its_digest_reaches_no_vm(machine: Machine, reference: str):
    vm(machine, answer=health())
    done = machine.run("deploy", reference, **PLACE)
    assert done.returncode == 1
    assert "expected <major>.<minor>.<patch>@sha256:" in done.stderr
    assert machine.asked == []
