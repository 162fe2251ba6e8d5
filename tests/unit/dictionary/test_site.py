"""The dictionary as a folder."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.unit.dictionary.conftest import HOSTILE
from tests.unit.ui.facts_in_memory import small_registry
from tributary.dictionary.building import build
from tributary.dictionary.dbt_page import dbt_page
from tributary.dictionary.model import Dictionary
from tributary.dictionary.site import files, write
from tributary.errors import TributaryError
from tributary.registry import INCLUDE, Registry

BUILD = """
import hashlib, sys
from pathlib import Path
from tributary.dictionary.building import build, read_manifest
from tributary.dictionary.site import files
from tributary.registry import load_registry
made = files(build(load_registry(), read_manifest(Path(sys.argv[1]))))
print(hashlib.sha256(repr(made).encode()).hexdigest())
assert not [name for name in sys.modules if name.partition(".")[0] in ("airflow", "google", "great_expectations")]
"""


class Links(HTMLParser):
    """The addresses that a page leads to or loads, and the places on it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.to: list[str] = []
        self.loaded: list[str] = []
        self.places: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("href", "action") and tag != "link":
                self.to.append(value or "")
            elif name in ("src", "href", "data-index"):
                self.loaded.append(value or "")
            elif name == "id":
                self.places.append(value or "")


@pytest.fixture(scope="module")
def site(dictionary: Dictionary) -> Mapping[str, str]:
    return files(dictionary, "<html>dbt's own</html>")


@pytest.fixture(scope="module")
def links(site: Mapping[str, str]) -> Mapping[str, Links]:
    return {name: Links(text) for name, text in site.items() if name.endswith(".html")}


def leads_to(name: str, links: Links) -> Iterator[tuple[str, str]]:
    for link in (*links.to, *links.loaded):
        path, _, place = link.partition("#")
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name, place


def test_every_link_leads_to_a_file_and_a_place_that_are_there(site: Mapping[str, str], links: Mapping[str, Links]):
    assert len(links) > 60
    for name, found in links.items():
        if name.startswith("dbt/"):
            continue
        for path, place in leads_to(name, found):
            assert path in site, (name, path)
            assert not place or place in links[path].places, (name, path, place)


def test_every_page_can_be_reached_from_the_first(links: Mapping[str, Links]):
    reached, left = set(), ["index.html"]
    while left:
        name = left.pop()
        if name not in reached and name in links:
            reached.add(name)
            left += [path for path, _ in leads_to(name, links[name])]
    assert reached == set(links)


def test_nothing_comes_from_a_network(site: Mapping[str, str]):
    ours = {name: text for name, text in site.items() if not name.startswith("dbt/")}
    assert [name for name, text in ours.items() if re.search(r"https?://|\bfetch\(|@import", text)] == []


def test_places_on_a_page_have_names_of_their_own(links: Mapping[str, Links]):
    assert [name for name, found in links.items() if len(set(found.places)) != len(found.places)] == []


def test_without_script_every_column_is_found_from_a_to_z(site: Mapping[str, str], dictionary: Dictionary):
    listed = set(re.findall(r"<dt><code>(\w+)</code></dt>", site["names.html"].replace("<wbr>", "")))
    assert listed == {column.name for table in dictionary.tables.values() if table.has_page for column in table.columns}


def test_the_page_of_consolidated_says_what_an_analyst_has_to_know(site: Mapping[str, str]):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", site["consolidated.html"].replace("<dd>", " ")))
    assert "10:00 UTC every day" in text
    assert "from consolidated.orders left join consolidated.customers using (_database, customer_id)" in text
    assert "from consolidated.databases where stale" in text
    assert "customers without first_name, last_name" in text


def test_a_table_says_which_personal_columns_it_lacks(site: Mapping[str, str]):
    for name in ("consolidated/customers.html", "apps/retail/marts/customers.html"):
        assert re.search(r"Not here: <code>first_name</code>, <code>last_name</code>[.]", site[name])


def test_two_builds_have_the_same_bytes(manifest: Path, root: Path):
    made = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root / "plugins")}
        command = [sys.executable, "-c", BUILD, str(manifest)]
        made.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(made) == 1


def test_a_thousand_databases_are_pages_of_two_apps(project: Mapping[str, Any], site: Mapping[str, str]):
    named = {f"shop_{number:03}": "retail" for number in range(500)}
    named |= {f"airport_{number:03}": "flights" for number in range(500)}
    begun = time.perf_counter()
    made = files(build(small_registry(**named), project))
    assert time.perf_counter() - begun < 20, "it takes about one second"
    assert len(made) == len(site) - 1, "but for dbt's own page as many as of six databases"
    assert max(len(text) for text in made.values()) < 600_000
    with_names = [name for name, text in made.items() if "shop_499" in text]
    assert with_names == ["assets/search-index.js", "apps/retail.html"]


def test_what_somebody_wrote_becomes_no_markup(cinema: Registry, project: Mapping[str, Any]):
    made = files(build(cinema, project, INCLUDE))
    for name, text in made.items():
        if name.endswith(".html"):
            found = Links(text)
            assert "img" not in found.tags, name
            assert (found.tags.count("script"), found.tags.count("b")) == (1, 0), name
    assert "{{ 7*7 }}" in made["apps/cinema/raw/films.html"]
    assert HOSTILE.partition("'")[0] not in "".join(made.values())
    assert "</script" not in made["assets/search-index.js"]


def test_an_app_that_is_not_consolidated_is_documented_without_it(cinema: Registry, project: Mapping[str, Any]):
    made = files(build(cinema, project, INCLUDE))
    assert "apps/cinema/raw/films.html" in made
    assert "no model of films" in made["apps/cinema.html"]
    assert [name for name in made if name.startswith("consolidated")] == []


@pytest.mark.parametrize("databases", [(), ("shop_eu",)])
@pytest.mark.parametrize("consolidated", [True, False])
def test_what_is_left_of_it_for_somebody_can_be_drawn(
    dictionary: Dictionary, databases: tuple[str, ...], consolidated: bool
):
    made = files(dictionary.shown_to(databases, consolidated))
    for name, found in {name: Links(text) for name, text in made.items() if name.endswith(".html")}.items():
        assert [path for path, _ in leads_to(name, found) if path not in made] == [], name
    assert ("consolidated.html" in made) == consolidated
    assert "shop_us" not in "".join(made.values())


def test_a_site_takes_the_place_of_the_one_before_and_of_nothing_else(tmp_path: Path):
    folder = tmp_path / "site"
    site = {"index.html": "one", "assets/dictionary.js": ""}
    assert write(folder, {**site, "old.html": ""}) == folder / "index.html"
    assert write(folder, {**site, "index.html": "two"}).read_text() == "two"
    assert not (folder / "old.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    somebody_s = tmp_path / "photos"
    somebody_s.mkdir()
    (somebody_s / "one.jpg").touch()
    with pytest.raises(TributaryError, match="found something else"):
        write(somebody_s, site)
    assert [path.name for path in somebody_s.iterdir()] == ["one.jpg"]


def test_dbt_s_page_is_the_same_whenever_it_was_written(tmp_path: Path):
    def written(folder: str, at: str) -> str | None:
        target = tmp_path / folder
        target.mkdir()
        (target / "index.html").write_text('a("MANIFEST.JSON INLINE DATA", "CATALOG.JSON INLINE DATA")')
        nodes = {"m.b": {"name": "b", "created_at": at}, "m.a": {"name": "</script>", "root_path": at}}
        order = sorted(nodes, reverse=at == "1")
        document = {"metadata": {"generated_at": at, "version": 1}, "nodes": {name: nodes[name] for name in order}}
        for name in ("manifest.json", "catalog.json"):
            (target / name).write_text(json.dumps(document))
        return dbt_page(target)

    page = written("one", "1")
    assert page is not None
    assert page == written("two", "2")
    assert '"version":1' in page
    assert "</script>" not in page


def test_where_dbt_wrote_no_page_there_is_none(tmp_path: Path):
    assert dbt_page(tmp_path) is None
