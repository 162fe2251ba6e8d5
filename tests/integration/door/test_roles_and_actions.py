"""Who may do what, asked over HTTP: the table of docs/security.md."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import httpx
import jwt
import pytest

from tests.support.door import API_KEY, JWT_SECRET, Door
from tests.support.services import ROOT
from tests.unit.dead_letters.letters_in_memory import make_letter
from tributary.dead_letters.bucket import LetterBucket
from tributary.ui.security import FormTokens

DAG = "/api/v2/dags/elt__shop_eu"
SEES = "/api/v2/dags/~/dagRuns"
PAGES = "/tributary"
REFUSED = (401, 403)
# Account, and how the table calls it; None has not signed in.
WHO = {"viewer": "Viewer", "operator": "Op", "admin": "Admin", "tributary": "Service", None: "no login"}


@dataclass
class Actor:
    """Somebody with a day, a failed run and a dead letter of their own, so that nobody is in another one's way."""

    name: str
    client: httpx.Client
    day: date
    token: str = ""

    @property
    def run(self) -> str:
        return f"{DAG}/dagRuns/{quote(f'manual__{self.day}', safe='')}"

    def letter(self, action: str) -> httpx.Response:
        """Send a form of the dead letter, with a token that is good where somebody has signed in."""
        user = json.loads(base64.urlsafe_b64decode(self.token.split(".")[1] + "=="))["sub"] if self.token else "0"
        path = f"{PAGES}/dead-letters/shop_eu/{self.day}/sync/{action}"
        form = {"form_token": FormTokens(API_KEY).issue(user, "browser"), "why": "because"}
        return self.client.post(path, data=form, headers={"Cookie": "tributary_form=browser"})


@dataclass(frozen=True)
class Action:
    """Something to ask for, and the status of who may: 200 unless given."""

    name: str
    ask: Callable[[Actor], httpx.Response]
    good: int = 200


def get(name: str, path: str, good: int = 200) -> Action:
    return Action(name, lambda who: who.client.get(path), good)


def send(name: str, method: str, path: str, body: Callable[[Actor], Mapping[str, object]], good: int = 200) -> Action:
    return Action(name, lambda who: who.client.request(method, path, json=body(who)), good)


ACTIONS = (
    get("see DAGs", "/api/v2/dags"),
    get("see runs", SEES),
    get("see tasks of runs", f"{SEES}/~/taskInstances"),
    Action("read tasks' logs", lambda who: who.client.get(f"{who.run}/taskInstances/sync/logs/1"), 404),
    Action("read XComs", lambda who: who.client.get(f"{who.run}/taskInstances/sync/xcomEntries")),
    get("read DAGs' code", "/api/v2/dagSources/elt__shop_eu"),
    get("see import errors", "/api/v2/importErrors"),
    send("start a run", "POST", f"{DAG}/dagRuns", lambda who: {"logical_date": f"{who.day}T05:00:00Z"}),
    send(
        "have steps run again",
        "POST",
        f"{DAG}/clearTaskInstances",
        lambda who: {"dag_run_id": f"manual__{who.day}", "task_ids": ["find_dump"], "dry_run": False},
    ),
    Action(
        "mark a step failed",
        lambda who: who.client.patch(f"{who.run}/taskInstances/find_dump", json={"new_state": "failed"}),
    ),
    send("pause a DAG", "PATCH", DAG, lambda who: {"is_paused": False}),
    # The DAG has no schedule to fill: who may is told that.
    send(
        "backfill",
        "POST",
        "/api/v2/backfills/dry_run",
        lambda who: {
            "dag_id": "elt__shop_eu", "from_date": "2013-01-01T00:00:00Z", "to_date": "2013-01-02T00:00:00Z",
        },
        422,
    ),
    get("see connections", "/api/v2/connections"),
    send(
        "change connections",
        "POST",
        "/api/v2/connections",
        lambda who: {"connection_id": f"of_{who.name}", "conn_type": "http"},
        201,
    ),
    get("see variables", "/api/v2/variables"),
    send("change variables", "POST", "/api/v2/variables", lambda who: {"key": f"of_{who.name}", "value": "1"}, 201),
    get("see pools", "/api/v2/pools"),
    send("make pools", "POST", "/api/v2/pools", lambda who: {"name": f"of_{who.name}", "slots": 1}, 201),
    get("see plugins and providers", "/api/v2/plugins"),
    get("read Airflow's configuration", "/api/v2/config"),
    get("read the audit log of all", "/api/v2/eventLogs"),
    get("see users", "/auth/fab/v1/users"),
    send(
        "make users",
        "POST",
        "/auth/fab/v1/users",
        lambda who: {
            "username": f"of_{who.name}", "email": f"of_{who.name}@example.com", "first_name": "a", "last_name": "b",
            "roles": [{"name": "Viewer"}], "password": "a password of the test",
        },
    ),
    get("see roles", "/auth/fab/v1/roles"),
    get("read the pages Pipeline and Database", f"{PAGES}/databases/shop_eu"),
    Action(
        "read dead letters", lambda who: who.client.get(f"{PAGES}/dead-letters/shop_eu/{who.day}/sync")
    ),
    Action("replay a dead letter", lambda who: who.letter("replay"), 303),
    Action("resolve a dead letter", lambda who: who.letter("resolve"), 303),
    get("read dbt's documentation", "/cosmos/tributary/dbt_docs_index.html"),
    Action("delete a run", lambda who: who.client.delete(who.run), 204),
    get("speak as a task", "/execution/connections/airflow_api"),
)  # fmt: skip


@pytest.fixture(scope="module")
def actors(airflow: Door) -> Iterator[dict[str | None, Actor]]:
    """Each with a run whose `sync` has failed."""
    found = {}
    admin = airflow.client(airflow.token("admin"))
    for number, who in enumerate(WHO):
        token = airflow.token(who) if who else ""
        found[who] = actor = Actor(who or "nobody", airflow.client(token), date(2013, 1, 2 + number), token)
        run = {"dag_run_id": f"manual__{actor.day}", "logical_date": f"{actor.day}T02:00:00Z"}
        admin.post(f"{DAG}/dagRuns", json=run).raise_for_status()
        for task, state in (("find_dump", "success"), ("sync", "failed")):
            admin.patch(f"{actor.run}/taskInstances/{task}", json={"new_state": state}).raise_for_status()
    yield found
    for actor in found.values():
        actor.client.close()


@pytest.fixture
def failed(actors: dict[str | None, Actor], letters: LetterBucket) -> dict[str | None, Actor]:
    """Each with the dead letter of that failure, too."""
    for actor in actors.values():
        letter = make_letter(run_id=f"manual__{actor.day}", dump_date=actor.day)
        letters.change(letter.id, lambda _, letter=letter: letter)
    return actors


def documented() -> list[str]:
    """The rows of the table in docs/security.md."""
    text = (ROOT / "docs" / "security.md").read_text()
    assert text.count("<!-- roles -->") == 2, "the table of docs/security.md stands between two such comments"
    return text.split("<!-- roles -->")[1].strip().splitlines()


def test_roles_may_do_what_the_documentation_says_and_nothing_else(failed: dict[str | None, Actor]):
    rows = [f"| action | {' | '.join(WHO.values())} |", f"| --- |{' --- |' * len(WHO)}"]
    for action in ACTIONS:
        cells = []
        for actor in failed.values():
            status = action.ask(actor).status_code
            cells.append({action.good: "yes", 401: "-", 403: "-"}.get(status, f"answers {status}"))
        rows.append(f"| {action.name} | {' | '.join(cells)} |")
    table = "\n".join(rows)
    print(f"\n{table}")
    assert documented() == rows, f"docs/security.md says otherwise; what was seen:\n{table}"


def token(door: Door, seconds: int = 600, secret: str = JWT_SECRET, **claims: object) -> str:
    """A token of the admin, made by hand."""
    now = datetime.now(UTC)
    real = json.loads(base64.urlsafe_b64decode(door.token("admin").split(".")[1] + "=="))
    times = {"iat": now - timedelta(hours=2), "nbf": now - timedelta(hours=2), "exp": now + timedelta(seconds=seconds)}
    return jwt.encode({**real, **times, **claims}, secret, algorithm="HS512")


def test_a_token_that_is_wrong_old_or_revoked_is_no_login(airflow: Door):
    good = token(airflow)
    assert airflow.client(good).get(SEES).status_code == 200, "one made by hand is taken, so the others show something"
    revoked = airflow.token("admin")
    airflow.client(revoked).get("/api/v2/auth/logout")
    header, claims, _ = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    cases = {
        "nonsense": "nonsense",
        "expired": token(airflow, seconds=-60),
        "of another secret": token(airflow, secret=JWT_SECRET[::-1]),
        "unsigned": f"{unsigned}.{claims}.",
        "of nobody": token(airflow, sub="4711"),
        "for another audience": token(airflow, aud="urn:airflow.apache.org:task"),
        "cut": f"{header}.{claims}.",
        "revoked": revoked,
    }
    for case, wrong in cases.items():
        client = airflow.client(wrong)
        for path in (SEES, "/api/v2/connections", f"{PAGES}/", "/cosmos/tributary/dbt_docs_index.html", "/ui/config"):
            assert client.get(path).status_code in REFUSED, (case, path)


def test_a_wrong_password_gives_no_token(airflow: Door):
    for user, password in (("admin", "wrong"), ("admin", ""), ("nobody", "the admin's password"), ("", "")):
        answer = httpx.post(f"{airflow.url}/auth/token", json={"username": user, "password": password}, timeout=60)
        assert answer.status_code in (400, 401), user
