"""Pictures of what people look at during an incident: Slack, and the pages inside Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
# Without these Chromium looks for servers of its maker.
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


class Camera:
    """A browser that is logged in to Airflow."""

    def __init__(self, page: Page, airflow: str, slack: str, folder: Path) -> None:
        self.page = page
        self.airflow = airflow
        self.slack = slack
        self.folder = folder

    def login(self, user: str, password: str) -> None:
        """As a person does, through Airflow's own form."""
        self.page.goto(f"{self.airflow}/auth/login")
        self.page.fill("input[name=username]", user)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/auth/login" not in url)

    def take(self, name: str, url: str, *, element: str | None = None) -> Path:
        """A picture of a page, or of one element of it."""
        self.page.goto(url)
        self.page.wait_for_load_state("networkidle")
        refresh = self.page.get_by_role("link", name="Refresh")
        if refresh.count():
            refresh.click()
            self.page.wait_for_load_state("networkidle")
        target = self.folder / f"{name}.png"
        if element:
            self.page.locator(element).last.screenshot(path=target)
        else:
            self.page.screenshot(path=target)
        return target


@contextmanager
def camera(airflow: str, slack: str, folder: Path) -> Iterator[Camera]:
    """A headless browser with a window of 1280 x 900."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        yield Camera(page, airflow, slack, folder)
        browser.close()
