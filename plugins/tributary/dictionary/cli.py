"""`tributary docs`: the data dictionary as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tributary.dbt_artifacts import MANIFEST
from tributary.registry import load_registry
from tributary.terminal import console, errors


def docs(
    to: Annotated[Path, typer.Option(help="Folder to write; an earlier dictionary in it is replaced.")] = Path(
        ".local/site"
    ),
) -> None:
    """Write the data dictionary: every dataset, table and column, as pages that need no server and no network.

    Definitions alone: no row is read, and nothing is asked over a network. Prints the path of the first page.
    """
    from tributary.dictionary.building import build, read_manifest
    from tributary.dictionary.dbt_page import dbt_page
    from tributary.dictionary.site import files, write

    dictionary = build(load_registry(), read_manifest(MANIFEST))
    for app in dictionary.apps.values():
        if app.problem:
            errors.print(f"{app.name}: {app.problem}", style="yellow", highlight=False, soft_wrap=True, markup=False)
    made = files(dictionary, dbt_page(MANIFEST.parent))
    console.print(str(write(to, made).resolve()), highlight=False, soft_wrap=True, markup=False)
