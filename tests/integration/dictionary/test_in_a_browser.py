"""The site as a browser shows it that opened the folder from a disk: no server, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tributary.dictionary.building import build, read_manifest
from tributary.dictionary.site import files, write
from tributary.registry import load_registry

CHROMIUM = "/usr/bin/chromium"
PAGES = (
    "index", "consolidated", "names", "ops", "apps/retail", "apps/retail/raw/customers", "apps/retail/marts/orders",
    "consolidated/order_items", "consolidated/flight_delay_features", "consolidated/databases", "ops/dead_letters",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder."""
    made = files(build(load_registry(), read_manifest(manifest)))
    return write(tmp_path_factory.mktemp("docs") / "site", made).parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may load files alone, and whose errors fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file://") else wrong.append(request.url))
    yield page
    context.close()
    assert wrong == []


def test_a_column_is_found_by_its_name_and_leads_to_its_line(site: Path, page: Page):
    page.goto((site / "apps" / "retail" / "raw" / "orders.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("lifetime_rev")
    found = page.get_by_role("option")
    expect(found.first).to_contain_text("consolidated.customers")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/consolidated/customers.html#c-lifetime_revenue")
    expect(page.locator("tr:target th")).to_contain_text("lifetime_revenue")


def test_tables_come_before_columns_and_words_are_found_too(site: Path, page: Page):
    page.goto((site / "index.html").as_uri())
    search = page.get_by_role("combobox")
    search.fill("orders")
    expect(page.get_by_role("option").first).to_have_attribute("href", "./consolidated/orders.html")
    search.fill("shop_eu")
    expect(page.get_by_role("option").first).to_have_attribute("href", "./apps/retail.html#shop_eu")
    search.fill("given back")
    expect(page.get_by_role("option").filter(has_text="refunded_amount").first).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    search.fill("nothing is called so")
    expect(page.get_by_text("Nothing has such a name")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".found")).to_be_hidden()


def test_without_script_there_is_no_box_and_everything_else(site: Path, browser: Browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "consolidated" / "orders.html").as_uri())
    expect(page.get_by_role("search", include_hidden=True)).to_be_hidden()
    expect(page.locator("#c-net_total")).to_be_visible()
    page.locator("svg a.y-marts").get_by_text("order_items", exact=True).click()
    page.wait_for_url("**/apps/retail/marts/order_items.html")
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_the_window(site: Path, page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(site: Path, page: Page, scheme: str):
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for name in ("index", "consolidated", "names", "apps/retail", "apps/retail/raw/customers", "consolidated/orders"):
        page.goto((site / f"{name}.html").as_uri())
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}, {scheme}:\n{found.generate_report()}"
