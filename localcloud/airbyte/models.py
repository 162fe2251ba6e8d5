"""Checking requests and answers against the models of Airbyte's own client, ``airbyte-api``.

Those models import several hundred connectors' configurations (about a second), so they are imported at their
first use, not when the service starts.
"""

from __future__ import annotations

import functools
from typing import Any

import pydantic

from localcloud.airbyte.errors import Problem
from localcloud.masking import CONFIGURATION, MASK


@functools.cache
def published(name: str) -> type[pydantic.BaseModel]:
    """The published model, its ``configuration`` narrowed to the one connector that is served here.

    Otherwise each check tries every connector, and an error is about the first of them.
    """
    from airbyte_api import models

    base: type[pydantic.BaseModel] = getattr(models, name)
    if "configuration" not in base.model_fields:
        return base
    connector: Any = models.SourceMysql if name.startswith("Source") else models.DestinationBigquery
    if not base.model_fields["configuration"].is_required():
        return pydantic.create_model(name, __base__=base, configuration=(connector | None, None))
    return pydantic.create_model(name, __base__=base, configuration=(connector, ...))


def parsed(model: str, payload: Any) -> dict[str, Any]:
    """*payload* as the published *model* understands it, defaults filled in; raises Problem 400."""
    try:
        value = published(model).model_validate(payload)
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(400, message=f"{where}: {first['msg']}") from error
    dumped: dict[str, Any] = value.model_dump(mode="json", by_alias=True)
    return dumped


def checked(model: str, answer: dict[str, Any]) -> dict[str, Any]:
    """*answer* itself; raises RuntimeError when Airbyte's own client could not read it."""
    try:
        published(model).model_validate(answer)
    except pydantic.ValidationError as error:
        raise RuntimeError(f"answer does not follow {model}: {error}") from error
    return answer


def masked(value: Any) -> Any:
    """*value* with every secret replaced by asterisks, at any depth."""
    if isinstance(value, dict):
        return {key: MASK if key in CONFIGURATION and item else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """*old* with the fields of *new*; a masked secret in *new* keeps the old one."""
    return old | {key: item for key, item in new.items() if not (key in CONFIGURATION and item == MASK)}
