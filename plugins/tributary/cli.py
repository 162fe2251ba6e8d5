"""The `tributary` command."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tributary import generated
from tributary.alerts.cli import app as alerts_app
from tributary.alerts.watch_cli import watch
from tributary.dead_letters.cli import app as dead_letters_app
from tributary.dictionary.cli import docs
from tributary.dump_check import ReportFormat, check_dump
from tributary.dumps import DumpError
from tributary.errors import PermanentError, TributaryError
from tributary.forgetting.cli import forget
from tributary.forgetting.subjects import unnamed
from tributary.onboarding.cli import add_database
from tributary.onboarding.cli import app as contract_app
from tributary.onboarding.personal import unclassified
from tributary.ops_records.cli import cost
from tributary.privacy.tagged_models import untagged
from tributary.quarantine.cli import app as quarantine_app
from tributary.registry import INCLUDE, load_registry
from tributary.rollback_cli import rollback
from tributary.snapshot_cli import app as snapshot_app
from tributary.snapshot_cli import export
from tributary.terminal import Format, FormatOption, console, day_of, errors, print_rows, store_for_people

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Every production database, one BigQuery dataset.",
)
dump_app = typer.Typer(no_args_is_help=True, help="Dumps in the bucket.")
app.add_typer(dump_app, name="dump")
app.command()(add_database)
app.add_typer(contract_app, name="contract")
app.add_typer(dead_letters_app, name="dead-letters")
app.command()(rollback)
app.add_typer(snapshot_app, name="snapshot")
app.command()(export)
app.command()(forget)
app.command()(cost)
app.command()(watch)
app.command()(docs)
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(alerts_app, name="alerts")


@app.command()
def check() -> None:
    """Check the registry, the contracts, the suites and the files made from them."""
    from tributary.quality.rules import Layer
    from tributary.quality.suites import suites_for

    registry = load_registry()
    faults = [f"{broken.name}: {broken.error}" for broken in registry.broken] + list(registry.faults)
    for contract in registry.contracts.values():
        marts: tuple[Layer, ...] = ("marts", "consolidated") if contract.is_consolidated else ("marts",)
        for layer in ("raw", *(() if contract.raw_only else marts)):
            try:
                suites_for(contract, layer)
            except TributaryError as error:
                faults.append(str(error))
        faults += [
            f"include/contracts/{contract.app}.yaml: tables.{table}.columns.{column}: {reason}; "
            "expected it to say `personal: drop` (or hash, mask, tag), or `personal: false` where it is not"
            for table, column, reason in unclassified(contract)
        ]
        faults += untagged(contract, INCLUDE / "dbt" / "models")
        faults += [f"include/contracts/{contract.app}.yaml: {fault}" for fault in unnamed(contract)]
    faults += [f"{path} is not what the registry gives; run `tributary generate`" for path in generated.stale(registry)]
    for fault in faults:
        errors.print(fault, style="red", highlight=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    apps = ", ".join(f"{name} ({len(databases)})" for name, databases in registry.apps.items())
    console.print(f"{len(registry.databases)} databases are well: {apps or 'none is consolidated'}")


@app.command()
def generate() -> None:
    """Write what is derived: JSON Schemas, dbt sources and models, docs/dags.md, the table of docs/metrics.md."""
    for path in generated.write(load_registry()):
        console.print(f"{'wrote' if path.is_file() else 'removed'} {path}")


@app.command()
def setup(
    only_print: Annotated[
        bool, typer.Option("--print", help="Ask no Airflow; print what `airflow pools import` reads.")
    ] = False,
) -> None:
    """Make in Airflow what the DAGs need: a pool for every Cloud SQL instance."""
    from tributary.airflow_api import AirflowApi, pools_of

    if only_print:
        print(json.dumps(pools_of(load_registry())))
        return
    AirflowApi.from_environment().ensure_pools(load_registry())


@app.command()
def accounts(
    secrets: Annotated[Path, typer.Option(help="Folder with the files admin_password and service_password.")] = Path(
        "/run/secrets"
    ),
) -> None:
    """Make in Airflow's database the accounts `admin` and `tributary`, or bring them to what the secrets say.

    Asks the database, not the API: for where Airflow's own configuration is.
    """
    from tributary.access.accounts import ensure

    ensure(secrets, lambda line: console.print(line, highlight=False, soft_wrap=True))


@app.command()
def run(
    day: Annotated[date, typer.Option("--date", help="Day of the dumps, such as 2013-01-31.", parser=day_of)],
    database: Annotated[list[str] | None, typer.Option("--database", help="Only these; no consolidation.")] = None,
) -> None:
    """Load a day through the scheduler: all databases and the consolidation, or some databases.

    Ends with 0 only when every run succeeded and the counts of all stages agree.
    """
    from tributary.airflow_api import AirflowApi
    from tributary.running import RunDay

    registry = load_registry()
    names = [registry.database(name).name for name in database] if database else list(registry.databases)
    runs = RunDay(AirflowApi.from_environment(), registry, day, names, consolidate=not database, console=console)
    if not runs.follow():
        raise typer.Exit(1)


@app.command()
def status(output: FormatOption = Format.table) -> None:
    """Every database: its last run, the day of its newest landed dump, its age and rows."""
    from tributary.airflow_api import AirflowApi
    from tributary.reporting import status_rows

    rows = status_rows(load_registry(), AirflowApi.from_environment(), store_for_people())
    print_rows(rows, output)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="GoogleSQL; tables as dataset.table.")], output: FormatOption = Format.table
) -> None:
    """Run a query in BigQuery and print its rows."""
    from google.api_core.exceptions import GoogleAPICallError

    from tributary.ledger.store import execute

    try:
        result = execute(store_for_people().client, sql)
    except GoogleAPICallError as error:
        _fail(f"BigQuery refused the query: {error.message}")
    print_rows([dict(row) for row in result], output, columns=[field.name for field in result.schema or ()])


@dump_app.command("list")
def dump_list(
    database: Annotated[str, typer.Argument(help="A database of the registry.")], output: FormatOption = Format.table
) -> None:
    """The dumps of a database that lie in the bucket, newest last."""
    from tributary.reporting import dump_rows

    print_rows(dump_rows(load_registry().database(database)), output, columns=["object", "bytes", "updated"])


@dump_app.command("check")
def dump_check(
    file: Annotated[str, typer.Argument(help="A dump, plain or compressed; `-` is standard input.")],
    database: Annotated[
        str | None, typer.Option(help="A database of the registry, or the name in the dump's header; else any.")
    ] = None,
    output: Annotated[ReportFormat, typer.Option("--format", "-f", help="How to print it.")] = ReportFormat.text,
) -> None:
    """Read a dump as pre-flight does, and print its report; 1 where it would be refused."""
    try:
        checked = check_dump(file, database)
    except (DumpError, OSError) as error:
        _fail(str(error))
    # Not through rich: it would wrap long lines, and other programs read this.
    text = checked.to_text() if output is ReportFormat.text else json.dumps(checked.to_dict(), indent=2) + "\n"
    sys.stdout.write(text)
    try:
        checked.raise_if_refused(database)
    except PermanentError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    errors.print(message, style="red", highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(1)


def main() -> None:
    """Run the command; errors that Tributary raises on purpose are told without a traceback."""
    try:
        app()
    except TributaryError as error:
        errors.print(str(error), style="red", highlight=False, soft_wrap=True, markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
