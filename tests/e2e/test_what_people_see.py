"""The pages in a browser, on the stack of the end-to-end test: seen, heard, clicked, and refused.

TRIBUTARY_SCREENSHOTS names a folder that gets a picture of every page; unless set, they lie in the stack's folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.checkout import Checkout

# stack/bootstrap installs it; without it these tests fail, for a skip would go unnoticed.
CHROMIUM = "/usr/bin/chromium"
pytestmark = pytest.mark.timeout(900)
# A backfill goes on beside these tests (ms).
expect.set_options(timeout=30_000)

# Not the database that is backfilled meanwhile.
DATABASE = "airport_lga"
PAGES = {
    "pipeline": "/",
    "pipeline-filtered": "/?text=shop&sort=-rows",
    "database": f"/databases/{DATABASE}",
    "consolidated": "/consolidated",
    "dead-letters": "/dead-letters?status=all",
    "letter": "/dead-letters/{letter}",
    "letter-replay": "/dead-letters/{letter}/replay",
    "letter-resolve": "/dead-letters/{letter}/resolve",
    "not-found": "/databases/nothing",
}
SPOIL = """
import gzip, sys
from google.cloud import storage
bucket, name = storage.Client().bucket(sys.argv[1]), sys.argv[2]
if sys.argv[3] == "cut":
    whole = bucket.blob(name).download_as_bytes()
    bucket.blob("kept/" + name).upload_from_string(whole)
    text = gzip.decompress(whole)
    bucket.blob(name).upload_from_string(gzip.compress(text[: len(text) // 2]))
else:
    bucket.blob(name).upload_from_string(bucket.blob("kept/" + name).download_as_bytes())
"""


class Site:
    """Where Airflow is, and who may sign in."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.url = environment["TRIBUTARY_AIRFLOW_URL"]
        self.user = environment["TRIBUTARY_AIRFLOW_USER"]
        self.password = environment["TRIBUTARY_AIRFLOW_PASSWORD"]

    def page(self, path: str) -> str:
        return f"{self.url}/tributary{path}"


@pytest.fixture(scope="module")
def site(checkout: Checkout, first_day: str) -> Site:
    return Site(checkout.environment)


@pytest.fixture(scope="module")
def day(checkout: Checkout, site: Site) -> str:
    """One more day in production, whose dump of DATABASE is cut in the middle; its load has failed."""
    passed = json.loads(checkout.simulator("advance", "--databases", DATABASE, "--json").splitlines()[-1])["date"]
    spoil(checkout, str(passed), "cut")
    done = checkout.run("./tributary", "run", "--date", passed, "--database", DATABASE, check=False)
    assert done.returncode != 0, done.stdout
    return str(passed)


@pytest.fixture(scope="module")
def letter(day: str) -> str:
    return f"{DATABASE}/{day}/preflight"


def spoil(checkout: Checkout, day: str, what: str) -> None:
    """Cut the day's dump, or put it back as it was."""
    bucket = checkout.environment["TRIBUTARY_DUMPS_BUCKET"]
    checkout.run(checkout.python("airflow"), "-c", SPOIL, bucket, f"{DATABASE}/{day}/{DATABASE}.sql.gz", what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Site) -> dict[str, Any]:
    """The state of a browser that has signed in on Airflow's own page, which it was sent to and came back from."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.page("/?text=shop"))
    assert "/auth/login" in page.url
    page.locator('input[name="username"]').fill(site.user)
    page.locator('input[name="password"]').fill(site.password)
    page.locator('button[type="submit"]').click()
    page.wait_for_url("**/tributary/?text=shop", timeout=30_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Pipeline")
    state: dict[str, Any] = context.storage_state()  # type: ignore[assignment]
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, signed_in: dict[str, Any]) -> Iterator[BrowserContext]:
    context = browser.new_context(storage_state=signed_in)  # type: ignore[arg-type]
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test when the browser complains, as it does of what a policy forbids."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    # Pages that are refused, or that are not there, are asked for on purpose.
    assert [one for one in complaints if not re.search(r"status of 40[34]", one)] == []


@pytest.fixture(scope="module")
def pictures(checkout: Checkout) -> Path:
    folder = Path(os.environ.get("TRIBUTARY_SCREENSHOTS", checkout.folder / ".local" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_window_and_keeps_nobody_out(
    page: Page, site: Site, letter: str, pictures: Path, name: str, width: int, scheme: Any
):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(site.page(PAGES[name].format(letter=letter)))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True)
    violations = Axe().run(page).response["violations"]
    grave = {one["id"]: [node["target"] for node in one["nodes"]] for one in violations if is_grave(one)}
    assert grave == {}


def is_grave(violation: dict[str, Any]) -> bool:
    return violation["impact"] in ("serious", "critical")


def test_the_pages_stand_in_airflow_s_menu_and_frame(page: Page, site: Site, day: str, pictures: Path):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(site.url)
    page.get_by_role("link", name="Pipeline").first.click()
    frame = page.frame_locator('iframe[title="Pipeline"]')
    expect(frame.get_by_role("heading", level=1)).to_have_text("Pipeline")
    page.screenshot(path=pictures / "in-airflow.png")
    frame.get_by_role("link", name=DATABASE, exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_contain_text(DATABASE)
    # A link to Airflow's own pages opens in place of the whole window, not within the frame.
    frame.get_by_role("link", name=f"DAG elt__{DATABASE}").click()
    page.wait_for_url(f"**/dags/elt__{DATABASE}*", timeout=30_000)


def test_the_list_is_filtered_while_one_types_and_without_script(
    page: Page, browser: Browser, signed_in: dict[str, Any], site: Site
):
    page.goto(site.page("/"))
    expect(page.locator("tbody tr")).not_to_have_count(3)
    page.get_by_label("Find").fill("airport")
    expect(page.locator("tbody tr")).to_have_count(3)
    assert page.url.endswith("?text=airport")
    page.get_by_role("link", name="Rows").click()
    expect(page.locator('th[aria-sort="descending"]')).to_have_text("Rows")
    assert "sort=-rows" in page.url
    # Without script the same form does the same.
    context = browser.new_context(storage_state=signed_in, java_script_enabled=False)  # type: ignore[arg-type]
    plain = context.new_page()
    plain.goto(site.page("/"))
    plain.get_by_label("Find").fill("airport")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator("tbody tr")).to_have_count(3)
    context.close()


def test_the_keyboard_reaches_everything(page: Page, site: Site):
    page.goto(site.page("/"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    assert {"text", "app", "state", "Database", DATABASE} <= reached


def test_every_link_of_a_page_leads_somewhere(page: Page, site: Site, letter: str):
    page.goto(site.page("/"))
    leads = {"/"}
    for path in ("/", f"/databases/{DATABASE}", "/consolidated", "/dead-letters", f"/dead-letters/{letter}"):
        page.goto(site.page(path))
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        leads |= {link.split("#")[0] for link in links if link.startswith(site.url)}
    assert len(leads) > 20
    for link in sorted(leads - {"/"}):
        answer = page.request.get(link)
        assert answer.status == 200, link


@pytest.mark.parametrize("path", ["/", f"/databases/{DATABASE}", "/dead-letters", "/static/pages.css"])
def test_without_a_login_nothing_is_shown_or_done(site: Site, letter: str, path: str):
    for cookies in ({}, {"_token": "nonsense"}):
        with httpx.Client(cookies=cookies) as http:
            assert http.get(site.page(path)).status_code == 401
            assert http.post(site.page(f"/dead-letters/{letter}/replay"), data={"form_token": "x"}).status_code == 401
            assert http.get(f"{site.url}/cosmos/tributary/dbt_docs_index.html").status_code == 401


def test_a_form_with_a_wrong_token_is_refused(page: Page, site: Site, letter: str):
    page.goto(site.page(f"/dead-letters/{letter}/replay"))
    page.evaluate("document.querySelector('input[name=form_token]').value = 'wrong'")
    page.get_by_role("button", name="Replay now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    page.goto(site.page(f"/dead-letters/{letter}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("open")


def test_a_dead_letter_is_replayed_to_success_from_the_page(
    page: Page, site: Site, checkout: Checkout, day: str, letter: str
):
    spoil(checkout, day, "put back")
    page.goto(site.page("/dead-letters"))
    page.get_by_role("link", name=letter).click()
    page.get_by_role("link", name="Replay…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Run preflight of {DATABASE} again?")
    page.get_by_role("button", name="Replay now").click()
    expect(page.get_by_text("It runs again, with all that follows it in its run.")).to_be_visible()
    for _ in range(120):
        page.goto(site.page(f"/dead-letters/{letter}"))
        heading = page.get_by_role("heading", level=1).inner_text()
        if "replayed" in heading:
            break
        assert "replaying" in heading, heading
        page.wait_for_timeout(3000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("replayed")
    expect(page.get_by_role("row", name=re.compile("Replayed by"))).to_contain_text(site.user)
    # A sweep closes the record once its own step has succeeded; the run has its other steps to do then.
    states = f"select state from ops.runs where database = '{DATABASE}' and dump_date = '{day}'"
    for _ in range(60):
        if {"state": "landed"} in (rows := checkout.query(states)):
            break
        page.wait_for_timeout(3000)
    assert {"state": "landed"} in rows
    audit = httpx.post(f"{site.url}/auth/token", json={"username": site.user, "password": site.password}).json()
    logged = httpx.get(
        f"{site.url}/api/v2/eventLogs",
        params={"dag_id": f"elt__{DATABASE}", "event": "post_clear_task_instances", "order_by": "-when"},
        headers={"Authorization": f"Bearer {audit['access_token']}"},
    ).json()
    assert logged["event_logs"][0]["owner"] == site.user


def test_a_dead_letter_is_closed_with_a_reason_from_the_page(page: Page, site: Site, checkout: Checkout):
    passed = json.loads(checkout.simulator("advance", "--databases", DATABASE, "--json").splitlines()[-1])["date"]
    spoil(checkout, str(passed), "cut")
    checkout.run("./tributary", "run", "--date", passed, "--database", DATABASE, check=False)
    page.goto(site.page(f"/dead-letters/{DATABASE}/{passed}/preflight"))
    page.get_by_role("link", name="Resolve…").click()
    page.get_by_label("Why is nothing left to do?").fill("The source was being moved that night.")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("resolved")
    expect(page.get_by_role("row", name=re.compile("Why"))).to_contain_text("The source was being moved that night.")
