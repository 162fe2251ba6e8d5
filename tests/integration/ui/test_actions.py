"""Replay and resolve from the pages: by whom, for whom, and by nobody else's doing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.integration.ui.conftest import World
from tests.support.airflow_app import BASE, KEY
from tests.unit.dead_letters.letters_in_memory import make_letter
from tributary.dead_letters.record import DAG_IMPORT, Status
from tributary.ui.security import FormTokens

LETTER = "/tributary/dead-letters/shop_eu/2013-01-02/sync"
TASKS = {"find_dump": "success", "sync": "failed", "reconcile": "upstream_failed"}


@pytest.fixture
def failed(world: World) -> World:
    """A sync that failed for good; its run is there."""
    world.letters.record(make_letter())
    world.airflow.runs["elt__shop_eu", "run_1"] = dict(TASKS)
    return world


def form_token(client: TestClient, path: str) -> str:
    """Load a form as a browser does: it also gets the cookie."""
    html = client.get(path).text
    found = re.search(r'name="form_token" value="(\w+)"', html)
    assert found, html
    return found[1]


def send(client: TestClient, action: str, token: str | None = None, **data: str) -> Any:
    token = form_token(client, f"{LETTER}/{action}") if token is None else token
    headers = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    return client.post(f"{LETTER}/{action}", data={"form_token": token, **data}, headers=headers)


def test_a_replay_is_asked_for_then_begun_in_the_user_s_name(failed: World):
    client = failed.client()
    assert ">open<" in client.get("/tributary/dead-letters").text
    assert "Replay…" in client.get(LETTER).text
    assert "for the dump of <strong>2013-01-02</strong>" in client.get(f"{LETTER}/replay").text
    assert failed.airflow.cleared == []

    answer = send(client, "replay")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{LETTER}?done=replayed")
    assert failed.airflow.cleared == [["sync"]]
    assert failed.tokens == [client.cookies["_token"]], "Airflow is asked as the user, not as somebody of ours"
    record = failed.letters.bucket.read("shop_eu/2013-01-02/sync")
    assert record is not None
    assert (record.status, record.replayed_by) == (Status.replaying, "anna")
    assert failed.ops.rows[-1]["replayed_by"] == "anna"

    page = client.get(answer.headers["location"]).text
    assert "It runs again" in page
    assert "Replayed by" in page
    assert "Replay…" not in page
    assert ">replaying<" in client.get("/tributary/dead-letters").text, "the list knows it at once"


def test_what_has_healed_is_closed_without_another_run(failed: World):
    failed.airflow.runs["elt__shop_eu", "run_1"]["sync"] = "success"
    assert send(failed.client(), "replay").headers["location"] == f"{LETTER}?done=healed"
    assert failed.airflow.cleared == []


def test_a_second_click_and_a_form_that_was_left_open_start_nothing(failed: World):
    client = failed.client()
    token = form_token(client, f"{LETTER}/replay")
    assert send(client, "replay", token).status_code == 303
    assert send(client, "replay", token).headers["location"] == f"{LETTER}?done=replayed"
    assert send(client, "resolve", token, why="it is fine").status_code == 303
    answer = send(client, "replay", token)
    assert (answer.status_code, "It is closed." in answer.text) == (409, True)
    assert failed.airflow.cleared == [["sync"]]


def test_what_airflow_refuses_is_told_and_the_record_stays_open(failed: World):
    failed.airflow.refuses = True
    answer = send(failed.client(), "replay")
    assert answer.status_code == 409
    assert "Airflow answered 409" in answer.text
    record = failed.letters.bucket.read("shop_eu/2013-01-02/sync")
    assert record is not None
    assert record.status is Status.open


def test_a_run_that_is_gone_is_told_with_the_command_that_makes_a_new_one(failed: World):
    failed.airflow.runs.clear()
    answer = send(failed.client(), "replay")
    assert answer.status_code == 409
    assert "tributary run --date 2013-01-02 --database shop_eu" in answer.text


def test_resolve_keeps_who_and_why(failed: World):
    client = failed.client()
    answer = send(client, "resolve", why="The source was switched off;\n password=hunter2")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{LETTER}?done=resolved")
    record = failed.letters.bucket.read("shop_eu/2013-01-02/sync")
    assert record is not None
    assert (record.status, record.resolved_by) == (Status.resolved, "anna")
    assert record.why == "The source was switched off; password=<redacted>"
    page = client.get(LETTER).text
    assert "Resolved by" in page
    assert "Resolve…" not in page
    assert client.get(f"{LETTER}/resolve").status_code == 409


@pytest.mark.parametrize("why", ["", "  \n "])
def test_a_reason_is_required(failed: World, why: str):
    answer = send(failed.client(), "resolve", why=why)
    assert answer.status_code == 400
    assert "A reason is needed" in answer.text
    assert 'role="alert"' in answer.text
    record = failed.letters.bucket.read("shop_eu/2013-01-02/sync")
    assert record is not None
    assert record.status is Status.open


def others(world: World) -> dict[str, tuple[TestClient, str, dict[str, str]]]:
    """Forms that are not the user's own: client, token and headers."""
    own = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    anna, bert, elsewhere, bare = world.client(), world.client("bert"), world.client(), world.client()
    token = form_token(anna, f"{LETTER}/replay")
    of_bert = form_token(bert, f"{LETTER}/replay")
    form_token(elsewhere, f"{LETTER}/replay")
    return {
        "no token": (anna, "", own),
        "a wrong token": (anna, f"{token[:-1]}{'0' if token[-1] != '0' else '1'}", own),
        "a token with other signs": (anna, "ä" * 64, own),
        "somebody else's token": (anna, of_bert, own),
        "the token of another browser": (elsewhere, token, own),
        "a token without its cookie": (bare, token, own),
        "another site": (anna, token, {"Origin": "http://evil.test", "Sec-Fetch-Site": "cross-site"}),
        "another site, old browser": (anna, token, {"Origin": "http://evil.test"}),
        "a page without an origin": (anna, token, {"Origin": "null"}),
        "a sister site": (anna, token, {"Sec-Fetch-Site": "same-site"}),
    }


@pytest.mark.parametrize("action", ["replay", "resolve"])
def test_a_form_that_is_not_the_user_s_own_is_refused(failed: World, action: str):
    cases = others(failed)
    assert len(cases) == 10
    for case, (client, token, headers) in cases.items():
        answer = client.post(f"{LETTER}/{action}", data={"form_token": token, "why": "because"}, headers=headers)
        assert answer.status_code == 403, case
    assert failed.airflow.cleared == []
    assert failed.tokens == []
    record = failed.letters.bucket.read("shop_eu/2013-01-02/sync")
    assert record is not None
    assert record.status is Status.open
    assert send(failed.client(), action, why="because").status_code == 303, "and its own is taken"


def test_a_viewer_reads_and_changes_nothing(failed: World):
    viewer = failed.client("vera", "VIEWER")
    page = viewer.get(LETTER)
    assert page.status_code == 200
    assert "Replay…" not in page.text
    assert "Resolve…" not in page.text
    for action in ("replay", "resolve"):
        assert viewer.get(f"{LETTER}/{action}").status_code == 403
        # Even with a form token that is good.
        viewer.cookies.set("tributary_form", "browser")
        good = FormTokens(KEY).issue("vera", "browser")
        answer = viewer.post(f"{LETTER}/{action}", data={"form_token": good, "why": "x"}, headers={"Origin": BASE})
        assert answer.status_code == 403
        assert "You may read this record" in answer.text
    assert failed.airflow.cleared == []


def test_a_file_that_does_not_import_cannot_be_replayed_from_here(world: World):
    world.letters.record(make_letter(subject="dags.elt", database=None, dag_id=None, run_id=None, task_id=DAG_IMPORT))
    path = f"/tributary/dead-letters/dags.elt/2013-01-02/{DAG_IMPORT}"
    page = world.client().get(path).text
    assert "Correct the file" in page
    assert "Replay…" not in page
    assert "Resolve…" in page
    assert world.client().get(f"{path}/replay").status_code == 409


@pytest.mark.parametrize("path", ["shop_eu/2013-01-03/sync", "shop_eu/never/sync", "shop_eu/2013-01-02/a b"])
def test_what_is_no_record_is_not_found(failed: World, path: str):
    assert failed.client().get(f"/tributary/dead-letters/{path}").status_code == 404


def test_a_bucket_that_is_away_is_told(failed: World):
    failed.bucket.away = True
    answer = failed.client().get(LETTER)
    assert answer.status_code == 503
    assert "cannot be reached now (ServiceUnavailable)" in answer.text


def test_errors_of_ours_are_json_for_programs(failed: World):
    answer = failed.client().get(f"{LETTER}x", headers={"Accept": "application/json"})
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_record_that_nobody_can_read_says_what_to_do(failed: World):
    failed.bucket.objects["_dead_letters/shop_eu/2013-01-02/sync.json"].text = b"{}"
    answer = failed.client().get(LETTER)
    assert (answer.status_code, "Correct or delete the object" in answer.text) == (409, True)
