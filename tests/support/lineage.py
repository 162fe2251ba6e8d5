"""Walking the lineage that OpenLineage's events tell, from a table back to where its data began."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tributary.registry import Registry
from tributary.versions import DATABASES

Event = Mapping[str, Any]
# Namespace and name, as in the events.
Node = tuple[str, str]


def read_events(file: Path) -> list[Event]:
    """The events of a file with a line for each."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@dataclass(frozen=True)
class Lineage:
    """By what was written, what it was made from."""

    sources: Mapping[Node, frozenset[Node]]

    @classmethod
    def of(cls, events: Iterable[Event]) -> Lineage:
        """What the events of runs that ended well say.

        A job with several outputs says by its inputs only that each may come from any of them. Where an
        output says which columns it comes from, that counts; the inputs count where it says nothing. Of
        two events that write one table the later one counts.
        """
        sources: dict[Node, frozenset[Node]] = {}
        for event in events:
            if event["eventType"] != "COMPLETE":
                continue
            inputs = frozenset(_node(dataset) for dataset in event.get("inputs", ()))
            for output in event.get("outputs", ()):
                sources[_node(output)] = _by_column(output) or inputs
        return cls(sources)

    def ends(self, start: Node) -> dict[Node, tuple[Node, ...]]:
        """Everything that `start` comes from in the end, and nobody wrote; with a shortest path to it."""
        found: dict[Node, tuple[Node, ...]] = {}
        seen, queue = {start}, deque([(start,)])
        while queue:
            path = queue.popleft()
            before = self.sources.get(path[-1], frozenset())
            if not before and len(path) > 1:
                found[path[-1]] = path
            for node in sorted(before - seen):
                seen.add(node)
                queue.append((*path, node))
        return found


def paths(events: Iterable[Event], dataset: str = "consolidated") -> dict[str, dict[Node, tuple[Node, ...]]]:
    """For each table of a BigQuery dataset, the ends of its lineage, each with the path there."""
    lineage = Lineage.of(events)
    tables = [node for node in lineage.sources if node[0] == "bigquery" and node[1].split(".")[1] == dataset]
    return {node[1].rsplit(".", 1)[1]: lineage.ends(node) for node in sorted(tables)}


def databases_of_tables(registry: Registry, databases: Collection[str]) -> dict[str, list[str]]:
    """The databases that each table of `consolidated` has rows of, when these have landed."""
    tables = {
        table: [name for name in of_app if name in databases]
        for app, of_app in registry.apps.items()
        for table in registry.contracts[app].mart_names
    }
    return {**tables, DATABASES: list(databases)}


def holes(
    found: Mapping[str, Mapping[Node, tuple[Node, ...]]], expected: Mapping[str, Iterable[str]], bucket: str
) -> list[str]:
    """What is missing for an unbroken path from every table to a dump of each of its databases; empty where nothing is.

    :param found: what `paths` returns.
    :param expected: the databases that each table has rows of (`databases_of_tables`). A dump's name begins with
        its database's.
    """
    problems = []
    for table, databases in expected.items():
        ends = found.get(table)
        if ends is None:
            problems.append(f"{table}: no event says that it was written")
            continue
        dumps = {name.split("/")[0] for namespace, name in ends if namespace == f"gs://{bucket}"}
        for end, path in ends.items():
            if end[0] != f"gs://{bucket}":
                problems.append(f"{table}: the path ends before the bucket: {shown(path)}")
        problems += [f"{table}: no path to a dump of {name}" for name in databases if name not in dumps]
        problems += [f"{table}: comes from {name}, unexpected" for name in sorted(dumps - set(databases))]
    return problems


def shown(path: Iterable[Node]) -> str:
    """The path for people, the table first."""
    return " <- ".join(name for _, name in path)


def _node(dataset: Mapping[str, Any]) -> Node:
    return dataset["namespace"], dataset["name"]


def _by_column(output: Mapping[str, Any]) -> frozenset[Node]:
    fields = output.get("facets", {}).get("columnLineage", {}).get("fields", {})
    return frozenset(_node(source) for field in fields.values() for source in field["inputFields"])
