"""Lists in pages, as the public API gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request

Ids = Annotated[Sequence[str], Query(alias="workspaceIds")]
Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0)]


def page(request: Request, items: list[dict[str, Any]], limit: int, offset: int) -> dict[str, Any]:
    """One page of *items* with the addresses of its neighbours; an empty address where there is none."""

    def at(start: int) -> str:
        return str(request.url.include_query_params(limit=limit, offset=start))

    return {
        "previous": at(max(0, offset - limit)) if offset else "",
        "next": at(offset + limit) if offset + limit < len(items) else "",
        "data": items[offset : offset + limit],
    }
