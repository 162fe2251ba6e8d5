"""Faults that last: one failure at the first try, one record, the others untouched; a replay heals it."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable

import pytest

from tests.faults.running.oracle import Expected, Oracle
from tests.faults.running.stack import DATABASES, Stack
from tributary import naming

pytestmark = pytest.mark.timeout(3600)

HURT = "shop_us"


def fails_then_heals(
    stack: Stack,
    oracle: Oracle,
    step: str,
    break_it: Callable[[str], None],
    repair: Callable[[str], None],
    syncs: int = 1,
) -> dict[str, object]:
    """One day on which HURT fails at a step for good, then its replay; returns the record."""
    before = max(str(row["as_of"]) for row in stack.checkout.query("select as_of from consolidated.databases"))
    oracle.next_day()
    day = stack.next_day()
    break_it(day)
    command = stack.load(day)
    output, _ = command.communicate(timeout=1500)
    stack.withdraw()
    assert command.returncode != 0, output
    letter_id = f"{HURT}/{day}/{step}"
    days = {**dict.fromkeys(DATABASES, day), HURT: before}
    broken = oracle.violations(Expected(days=days, letters=[letter_id], more_jobs=dict.fromkeys(DATABASES, 1)))
    assert not broken, "\n".join(broken) + output
    (letter,) = stack.letters()
    assert letter["tries"] == 1, letter
    assert letter["kind"] == "permanent", letter
    repair(day)
    stack.checkout.run("./tributary", "dead-letters", "replay", letter_id, "--wait")
    # The consolidation of that day had gone on without the database.
    stack.consolidate(day)
    more = dict.fromkeys(DATABASES, syncs)
    broken = oracle.violations(Expected(days=dict.fromkeys(DATABASES, day), more_jobs=more))
    assert not broken, "\n".join(broken)
    return letter


def leave(stack: Stack, day: str, change: Callable[[bytes], bytes]) -> None:
    """Replace the day's dump of HURT by a changed one."""
    blob = one_dump(stack, day)
    blob.upload_from_string(gzip.compress(change(gzip.decompress(blob.download_as_bytes()))))


def one_dump(stack: Stack, day: str):  # type: ignore[no-untyped-def]
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client(
        project="tributary-local", credentials=AnonymousCredentials(),
        client_options={"api_endpoint": stack.environment["STORAGE_EMULATOR_HOST"]},
    )  # fmt: skip
    return client.bucket(stack.bucket).blob(f"{HURT}/{day}/{HURT}.sql.gz")


def dump_again(stack: Stack, day: str) -> None:
    stack.checkout.simulator("dump", "--databases", HURT)


@pytest.mark.case("F13", "an import is DONE with a permanent error", expected="fails at once, one record, replay heals")
def test_an_import_ends_with_a_permanent_error(stack: Stack, oracle: Oracle):
    # What no tokenizer can know: only the server does not take it.
    def break_it(day: str) -> None:
        leave(stack, day, lambda text: text.replace(b"ENGINE=InnoDB", b"ENGINE=InnoDB ROW_FORMAT=NO_SUCH", 1))

    letter = fails_then_heals(stack, oracle, "import_dump", break_it, lambda day: dump_again(stack, day))
    assert "line" in str(letter["message"])


@pytest.mark.case("F16", "a sync duplicates rows", expected="reconcile fails at once, one record, replay heals")
def test_a_sync_duplicates_rows(stack: Stack, oracle: Oracle):
    stack.order("airbyte", kind="duplicate_rows", stream="payments")
    # Whichever shop comes first is hit; so only HURT is loaded while the order stands.
    oracle.next_day()
    day = stack.next_day()
    output, _ = stack.load(day, "--database", HURT).communicate(timeout=1500)
    assert not stack.pending("airbyte"), output
    (letter,) = stack.letters()
    assert (letter["id"], letter["tries"]) == (f"{HURT}/{day}/reconcile", 1)
    assert "payments" in letter["message"]
    stack.checkout.run("./tributary", "dead-letters", "replay", letter["id"], "--wait")
    assert not stack.letters()
    stack.checkout.run("./tributary", "run", "--date", day)
    broken = oracle.violations(Expected(dict.fromkeys(DATABASES, day), more_jobs={HURT: 2}))
    assert not broken, "\n".join(broken)


@pytest.mark.case("F24", "the database's password is rotated", expected="fails at once, one record each, replay heals")
def test_the_password_is_rotated(stack: Stack, oracle: Oracle):
    def set_password(now: str, then: str) -> None:
        command = [
            "mariadb", "--no-defaults", "--host=127.0.0.1", f"--port={stack.environment['LOCALCLOUD_CLOUD_SQL_PORT']}",
            "--user=root", f"--execute=set password = password('{then}')",
        ]  # fmt: skip
        subprocess.run(command, check=True, env={**stack.environment, "MYSQL_PWD": now})

    password = stack.environment["LOCALCLOUD_CLOUD_SQL_PASSWORD"]
    before = max(str(row["as_of"]) for row in stack.checkout.query("select as_of from consolidated.databases"))
    oracle.next_day()
    day = stack.next_day()
    set_password(password, "rotated-and-long-enough")
    try:
        output, _ = stack.load(day).communicate(timeout=1500)
        letters = stack.letters()
        assert {letter["id"] for letter in letters} == {f"{name}/{day}/import_dump" for name in DATABASES}, output
        assert {(letter["tries"], letter["cause"]) for letter in letters} == {(1, "auth")}
        rows = stack.checkout.query("select as_of, stale from consolidated.databases")
        assert {(row["as_of"], row["stale"]) for row in rows} == {(before, True)}
    finally:
        set_password("rotated-and-long-enough", password)
    stack.checkout.run("./tributary", "dead-letters", "replay", "--all", "--wait")
    stack.consolidate(day)
    broken = oracle.violations(Expected(dict.fromkeys(DATABASES, day), more_jobs=dict.fromkeys(DATABASES, 1)))
    assert not broken, "\n".join(broken)


@pytest.mark.case(
    "B2", "a dump cut at half, through the whole pipeline", expected="pre-flight fails at once, one record"
)
def test_a_cut_dump(stack: Stack, oracle: Oracle):
    def break_it(day: str) -> None:
        blob = one_dump(stack, day)
        packed = blob.download_as_bytes()
        blob.upload_from_string(packed[: len(packed) // 2])

    fails_then_heals(stack, oracle, "preflight", break_it, lambda day: dump_again(stack, day))


@pytest.mark.case("B5", "a dump that drops another database", expected="pre-flight fails at once, the other is whole")
def test_a_dump_that_reaches_out(stack: Stack, oracle: Oracle):
    def break_it(day: str) -> None:
        leave(stack, day, lambda text: text.replace(b"\nCREATE TABLE", b"\nDROP DATABASE `shop_eu`;\nCREATE TABLE", 1))

    letter = fails_then_heals(stack, oracle, "preflight", break_it, lambda day: dump_again(stack, day))
    assert "line" in str(letter["message"])


@pytest.mark.case("F23", "a dbt test fails", expected="the build fails at once, one record, replay heals")
def test_a_mart_breaks_a_rule_of_dbt(stack: Stack, oracle: Oracle):
    schema = stack.checkout.folder / "include" / "dbt" / "tests"
    schema.mkdir(exist_ok=True)
    wrong = schema / "always_wrong.sql"
    tags = "{{ config(tags=['retail']) }}"
    wrong.write_text(
        tags + "\nselect order_id from {{ ref('orders') }} where '{{ var(\"database\") }}' = '" + HURT + "' limit 1\n"
    )
    try:
        fails_then_heals(
            stack, oracle, f"transform.{naming.DBT_PRODUCER}", lambda day: None, lambda day: wrong.unlink()
        )
    finally:
        wrong.unlink(missing_ok=True)
