"""YAML as people expect it: a key that stands twice is an error, not a silent overwrite; and models made of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from tributary.errors import RegistryError

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """A parsed file; `duplicates` counts keys that stand more than once where that was allowed."""

    data: dict[str, Any]
    duplicates: dict[str, int] = field(default_factory=dict)


def read_yaml(path: Path, *, duplicates_under: str | None = None) -> Document:
    """Read a YAML mapping; see `parse_yaml` for what raises RegistryError."""
    return parse_yaml(text_of(path), path, duplicates_under=duplicates_under)


def text_of(path: Path) -> str:
    """What is in a file. RegistryError if it is missing or no UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RegistryError(f"{show(path)}: the file is missing; expected it at {path}") from None
    except UnicodeDecodeError as error:
        raise RegistryError(f"{show(path)}: expected UTF-8 text, found byte {error.object[error.start]:#x}") from None


def parse_yaml(text: str, path: Path, *, duplicates_under: str | None = None) -> Document:
    """The YAML mapping that the file at `path` holds.

    A key that stands twice raises RegistryError with its line, except directly below the
    top-level key `duplicates_under`: there the caller learns of it from `Document.duplicates`.
    """
    shown = show(path)
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        duplicates = _duplicates(root, shown, duplicates_under)
        data = loader.construct_document(root) if root is not None else None
    except yaml.YAMLError as error:
        raise RegistryError(f"{shown}: not valid YAML: {error}") from None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise RegistryError(f"{shown}: found {type(data).__name__}, expected a mapping of keys to values")
    return Document(data, duplicates)


def show(path: Path) -> str:
    """A registry file's path as a person knows it: from `include/` on where it lies below that."""
    parts = path.parts
    return "/".join(parts[parts.index("include") :]) if "include" in parts else f"{path.parent.name}/{path.name}"


def validated(model: type[M], data: Any, path: Path, at: str) -> M:
    """Build the model. RegistryError names file, key, value and the expected form of every fault."""
    try:
        return model.model_validate(data)
    except PydanticError as error:
        faults = []
        for fault in error.errors(include_url=False):
            key = ".".join(part for part in (at, *map(str, fault["loc"])) if part)
            if fault["type"] == "extra_forbidden":
                expected = "unknown key; the editor's completion (JSON Schema) lists the known ones"
            else:
                expected = fault["msg"].removeprefix("Value error, ")
            faults.append(f"{show(path)}: {key or 'the file'}: found {fault['input']!r:.80}: {expected}")
        raise RegistryError("; ".join(faults)) from None


def _duplicates(root: yaml.Node | None, shown: str, allowed_under: str | None) -> dict[str, int]:
    found: dict[str, int] = {}
    stack: list[tuple[yaml.Node, str]] = [(root, "")] if root is not None else []
    while stack:
        node, at = stack.pop()
        if isinstance(node, yaml.SequenceNode):
            stack.extend((child, at) for child in node.value)
        if not isinstance(node, yaml.MappingNode):
            continue
        counts = Counter(key.value for key, _ in node.value)
        for key, value in node.value:
            where = f"{at}.{key.value}" if at else str(key.value)
            if counts[key.value] > 1:
                if at != allowed_under:
                    raise RegistryError(
                        f"{shown}: line {key.start_mark.line + 1}: {where} stands {counts[key.value]} times, "
                        "expected it once"
                    )
                found[key.value] = counts[key.value]
            stack.append((value, where))
    return found
