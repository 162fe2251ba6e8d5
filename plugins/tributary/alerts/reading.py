"""Reads the part `alerts` of `databases.yaml`. What is wrong there must not take the databases away. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from tributary import naming
from tributary.alerts.policy import AlertPolicy, Owner, QuietHours, Silence
from tributary.errors import RegistryError
from tributary.strict_yaml import show, validated

AT = "alerts"
_M = TypeVar("_M", bound=BaseModel)


def read_policy(
    document: Any, path: Path, *, owners: Iterable[str], databases: Iterable[str]
) -> tuple[AlertPolicy, tuple[str, ...]]:
    """The policy, and what is wrong with its parts; a part that is wrong is left out, so that more is told, not less.

    :param owners: all owners of databases. A name beside them is refused: it would never be used.
    :param databases: all names in the file, those of broken entries too.
    """
    return _Reading(path, set(owners), {*databases, naming.CONSOLIDATE_DAG}).read(document)


class _Reading:
    def __init__(self, path: Path, owners: set[str], subjects: set[str]) -> None:
        self.path = path
        self.owners = owners
        self.subjects = subjects
        self.faults: list[str] = []

    def read(self, document: Any) -> tuple[AlertPolicy, tuple[str, ...]]:
        if document is None:
            return AlertPolicy(), ()
        if not isinstance(document, dict):
            return AlertPolicy(), (self._fault("", document, "expected a mapping such as {channel: '#data-alerts'}"),)
        parts = dict(document)
        owners = self._owners(parts.pop("owners", None))
        silences = self._silences(parts.pop("silences", None))
        quiet = parts.pop("quiet_hours", None)
        quiet_hours = None if quiet is None else self._part(QuietHours, quiet, "quiet_hours")
        policy = AlertPolicy()
        for name, value in parts.items():
            # One by one: a bad one leaves the others as they are.
            read = self._part(AlertPolicy, {name: value}, "")
            policy = policy.model_copy(update={name: getattr(read, name)}) if read else policy
        policy = policy.model_copy(update={"owners": owners, "silences": silences, "quiet_hours": quiet_hours})
        return policy, tuple(self.faults)

    def _owners(self, found: Any) -> dict[str, Owner]:
        if not isinstance(found, dict):
            if found is not None:
                self.faults.append(self._fault("owners", found, "expected a mapping of owners to their channels"))
            return {}
        read = {}
        for name, value in found.items():
            if name not in self.owners:
                known = ", ".join(sorted(self.owners))
                self.faults.append(self._fault("owners", name, f"expected an owner that a database has: {known}"))
            elif owner := self._part(Owner, value, f"owners.{name}"):
                read[name] = owner
        return read

    def _silences(self, found: Any) -> tuple[Silence, ...]:
        if not isinstance(found, list):
            if found is not None:
                self.faults.append(self._fault("silences", found, "expected a list of silences"))
            return ()
        read = (self._silence(value, f"silences.{number}") for number, value in enumerate(found))
        return tuple(silence for silence in read if silence)

    def _silence(self, value: Any, at: str) -> Silence | None:
        silence = self._part(Silence, value, at)
        if silence is None or silence.databases == "all":
            return silence
        unknown = [name for name in silence.databases if name not in self.subjects]
        if unknown:
            known = ", ".join(sorted(self.subjects))
            self.faults.append(self._fault(f"{at}.databases", unknown[0], f"expected `all`, or some of {known}"))
            return None
        return silence

    def _part(self, model: type[_M], value: Any, at: str) -> _M | None:
        try:
            return validated(model, value, self.path, at=f"{AT}.{at}".rstrip("."))
        except RegistryError as error:
            self.faults.append(str(error))
            return None

    def _fault(self, at: str, found: Any, expected: str) -> str:
        return f"{show(self.path)}: {f'{AT}.{at}'.rstrip('.')}: found {found!r:.80}, {expected}"
