"""Adding a database: what the registry's files are to say, before anybody writes it."""

from __future__ import annotations

import difflib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tributary import generated
from tributary.contract_files import load_contract
from tributary.contracts import Contract
from tributary.drift.changes import ChangeKind, SchemaChange, schema_changes
from tributary.dump_check import STANDARD_INPUT
from tributary.errors import RegistryError, TributaryError
from tributary.onboarding.inference import Inferred
from tributary.onboarding.reading import definitions_for, infer_from
from tributary.onboarding.writing import contract_yaml, inline, suite_yaml
from tributary.quality.suites import suite_path, suites_for
from tributary.registry import INCLUDE, Registry, load_registry
from tributary.strict_yaml import show, text_of

# What a contract does not mind in a dump: it copies what it names, and takes for empty what it may.
HARMLESS = frozenset({ChangeKind.TABLE_NEW, ChangeKind.COLUMN_ADDED, ChangeKind.REQUIRED})
_ENDING = re.compile(r"(?:\.sql)?(?:\.(?:gz|zst|bz2|xz))?$")


@dataclass(frozen=True)
class Addition:
    """What is to be: `contract` and `suite`, if they are new, and the registry's own file, each as its place and text.

    `registry` is what they come to. `inferred` is there with a new contract; `changes` is what the dump has that an old
    one does not mind.
    """

    registry: Registry
    entry: tuple[Path, str]
    contract: tuple[Path, str] | None
    suite: tuple[Path, str] | None
    inferred: Inferred | None
    changes: tuple[SchemaChange, ...] = ()

    def diff(self) -> Iterator[str]:
        """What changes in the files, as lines of a unified diff."""
        for path, text in filter(None, (self.contract, self.suite, self.entry)):
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            old, new = show(path) if before else "/dev/null", show(path)
            yield from difflib.unified_diff(before.splitlines(), text.splitlines(), old, new, lineterm="")

    def write_contract(self) -> None:
        """Write the contract and its suite, if they are new: nothing uses them before the database is entered."""
        for path, text in filter(None, (self.contract, self.suite)):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)

    def enter(self) -> None:
        """Write the registry's entry: Airflow makes the DAG at its next look."""
        write_whole(*self.entry)


def plan(name: str, app: str, file: str, said: Mapping[str, Any], include: Path = INCLUDE) -> Addition:
    """The registry with the database *name* of *app*, by a dump of it.

    Where the app has a contract, the dump has to fit it; else the contract is inferred. Raises RegistryError for a name
    that is taken or cannot be one, TributaryError for a dump that does not fit, and what `infer_from` raises.

    :param said: what the entry says beside its app, such as `owner`.
    """
    registry = load_registry(include)
    if name in registry.databases or any(broken.name == name for broken in registry.broken):
        raise RegistryError(f"database {name!r} is in the registry already; `tributary contract diff` compares a dump")
    contract_path, registry_path = include / "contracts" / f"{app}.yaml", include / "databases.yaml"
    inferred: Inferred | None = None
    contract: tuple[Path, str] | None = None
    suite: tuple[Path, str] | None = None
    changes: list[SchemaChange] = []
    if contract_path.exists():
        changes = _fitting(load_contract(contract_path), name, file)
    else:
        inferred = infer_from(file, app, name)
        contract = contract_path, contract_yaml(inferred)
        path, rules = suite_path(app, "raw", include), suite_yaml(inferred)
        # Rules that are there already are somebody's.
        suite = (path, rules) if rules and not path.exists() else None
    entry = {"app": app, **_pattern(file, registry.defaults.dump_pattern), **said}
    text = with_entry(text_of(registry_path), name, entry)
    return Addition(
        tried(include, dict(filter(None, (contract, suite, (registry_path, text)))), name),
        (registry_path, text),
        contract,
        suite,
        inferred,
        tuple(changes),
    )


def with_entry(text: str, name: str, said: Mapping[str, Any]) -> str:
    """The text of `databases.yaml` with one more database behind the last one; all else stays, comments too."""
    line = f"{inline(name)}: {inline(dict(said))}"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    keys = root.value if isinstance(root, yaml.MappingNode) else []
    found = [value for key, value in keys if key.value == "databases"]
    if not found or not isinstance(found[0], yaml.MappingNode) or found[0].flow_style or not found[0].value:
        raise RegistryError(
            "include/databases.yaml: databases: expected a block with lines for each entry, found another form; "
            f"write this one yourself: `{line}`"
        )
    first, last = found[0].value[0][0], found[0].value[-1][1]
    lines = text.splitlines(keepends=True)
    # A block ends where the next one begins: behind blank lines and comments, which are not its own.
    at = last.end_mark.line + (last.end_mark.column > 0)
    while not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#"):
        at -= 1
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    return "".join([*lines[:at], f"{' ' * first.start_mark.column}{line}\n", *lines[at:]])


def _fitting(contract: Contract, name: str, file: str) -> list[SchemaChange]:
    """What the dump has that the contract does not mind. Raises TributaryError where there is more."""
    changes = schema_changes(contract, definitions_for(file, contract, name))
    worse = [change for change in changes if change.kind not in HARMLESS]
    if worse:
        told = "; ".join(map(str, worse[:10])) + (f" and {len(worse) - 10} more" if len(worse) > 10 else "")
        raise TributaryError(
            f"expected a dump that fits include/contracts/{contract.app}.yaml, found that of {name} does not: {told}. "
            "Give it an app of its own with --app, or change the contract"
        )
    return changes


def _pattern(file: str, default: str) -> dict[str, str]:
    """A pattern of the dumps' names, where the default does not find one that ends like this."""
    ending, expected = _ENDING.search(Path(file).name), _ENDING.search(default)
    if file == STANDARD_INPUT or not (ending and ending[0] and expected and expected[0]) or ending[0] == expected[0]:
        return {}
    return {"dump_pattern": default.removesuffix(expected[0]) + ending[0]}


def tried(include: Path, files: Mapping[Path, str], name: str) -> Registry:
    """The registry with these files. Raises RegistryError unless it has the database and all that derives from it."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "include"
        (trial / "contracts").mkdir(parents=True)
        for path in (include / "databases.yaml", *include.glob("contracts/*.yaml")):
            shutil.copy(path, trial / path.relative_to(include))
        if (include / "gx").is_dir():
            shutil.copytree(include / "gx", trial / "gx")
        for path, text in files.items():
            place = trial / path.relative_to(include)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        registry = load_registry(trial)
        contract = registry.database(name).contract
        suites_for(contract, "raw", trial)
        if not contract.raw_only:
            suites_for(contract, "marts", trial)
    generated.render(registry)
    return registry


def write_whole(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
