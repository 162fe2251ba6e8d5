"""The dictionary as a folder of files that a browser opens from a disk as well as from a server."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tributary.dictionary.model import Dictionary
from tributary.dictionary.pages import addresses, page, values
from tributary.dictionary.search import search_index
from tributary.errors import TributaryError
from tributary.ui.rendering import STATIC, environment

ASSETS = ("pages.css", "dictionary.css", "dictionary.js")
# By it a folder is known to be ours, and may be made anew.
MARK = "assets/dictionary.js"
DBT_PAGE = "dbt/index.html"


def files(dictionary: Dictionary, dbt_page: str | None = None) -> dict[str, str]:
    """Every file of the site, by its path. The same dictionary always gives the same bytes.

    :param dbt_page: dbt's own documentation, where there is one.
    """
    templates = environment()
    made = {f"assets/{name}": (STATIC / name).read_text(encoding="utf-8") for name in ASSETS}
    made["assets/search-index.js"] = search_index(dictionary)
    if dbt_page is not None:
        made[DBT_PAGE] = dbt_page
    for address in addresses(dictionary):
        found = page(dictionary, address)
        assert found is not None
        root = "../" * address.count("/")
        made[_file(address)] = templates.get_template(found.template).render(
            values(found, dictionary, partial(_href, root)),
            layout="dictionary/site.html",
            root=root or "./",
            suffix=".html",
            index=f"{root}assets/search-index.js",
            dbt_docs=f"{root}{DBT_PAGE}" if dbt_page is not None else None,
        )
    return made


def write(to: Path, made: Mapping[str, str]) -> Path:
    """Write the files in place of what the folder held, and return the path of the first page.

    Raises TributaryError for a folder with something else in it: nothing that is not ours is removed.
    """
    if to.exists() and (not to.is_dir() or (any(to.iterdir()) and not (to / MARK).is_file())):
        raise TributaryError(
            f"{to}: expected a new folder, or one with an earlier data dictionary; found something else"
        )
    new, old = to.with_name(f".{to.name}.new"), to.with_name(f".{to.name}.old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    for name, text in made.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    # Whole or not at all: somebody may be reading it.
    if to.exists():
        to.rename(old)
    new.rename(to)
    shutil.rmtree(old, ignore_errors=True)
    return to / "index.html"


def _file(address: str) -> str:
    return f"{address or 'index'}.html"


def _href(root: str, address: str, place: str = "") -> str:
    return f"{root}{_file(address)}{f'#{place}' if place else ''}"
