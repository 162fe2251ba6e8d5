"""Which object of a bucket is the dump of one database for one date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

DEFAULT_PATTERN = "{database}/{date}/*.sql*"

# Names under which uploaders keep an unfinished file: gsutil's composite parts, rsync, browsers, scripts.
_UNFINISHED = re.compile(
    r"\.(?:part|partial|tmp|temp|gstmp|crdownload|inprogress|incomplete|swp)$|_composed$|_\.gstmp|(?:^|/)\.|~$",
    re.IGNORECASE,
)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class DumpObject:
    """One generation of one object in a bucket.

    `size` is in bytes as stored; `updated` is the time of the upload and must carry a time zone, otherwise
    `ValueError`; `crc32c` is base64 as Cloud Storage gives it.
    """

    bucket: str
    name: str
    generation: int
    size: int
    updated: datetime
    crc32c: str | None = None

    def __post_init__(self) -> None:
        if self.updated.tzinfo is None:
            raise ValueError(
                f"expected an upload time with a time zone for {self.uri}, found {self.updated.isoformat()}; "
                "pass the object's `updated` as Cloud Storage returns it"
            )

    @classmethod
    def from_blob(cls, bucket: str, blob: Any) -> DumpObject:
        """An object as Cloud Storage's library lists it."""
        return cls(
            bucket=bucket,
            name=blob.name,
            generation=int(blob.generation or 0),
            size=int(blob.size or 0),
            updated=blob.updated,
            crc32c=blob.crc32c,
        )

    @property
    def uri(self) -> str:
        """The object's address, `gs://bucket/name`, without the generation."""
        return f"gs://{self.bucket}/{self.name}"


def prefix_for(pattern: str, database: str, date: Date | str) -> str:
    """The longest object-name prefix that every match of `pattern` has: what to list the bucket with."""
    expanded = _expand(pattern, str, database, date)
    glob = _GLOB.search(expanded)
    return expanded[: glob.start()] if glob else expanded


def choose_dump(
    candidates: Iterable[DumpObject], database: str, date: Date | str, pattern: str = DEFAULT_PATTERN
) -> DumpObject | None:
    """The newest complete-looking dump of `database` for `date`, or None when there is none (yet).

    Newest is by time of upload, since file names lie about time; of two with the same time the higher
    generation wins, then the greater name, so the order of `candidates` never matters. Empty objects,
    folder markers and names of unfinished uploads are left out. `pattern` is a shell glob over the whole
    object name, in which `*` does not cross `/`, with the placeholders `{database}` and `{date}`
    (YYYY-MM-DD). Raises `ValueError` for a pattern with another placeholder.
    """
    glob = _expand(pattern, _literal, database, date)
    matching = [
        candidate
        for candidate in candidates
        if candidate.size > 0 and _matches(candidate.name, glob) and not _UNFINISHED.search(candidate.name)
    ]
    return max(matching, key=lambda dump: (dump.updated, dump.generation, dump.name), default=None)


def _matches(name: str, glob: str) -> bool:
    names, globs = name.split("/"), glob.split("/")
    return len(names) == len(globs) and all(map(fnmatchcase, names, globs))


def _literal(value: str) -> str:
    return _GLOB.sub(r"[\g<0>]", value)


def _expand(pattern: str, quote: Callable[[str], str], database: str, date: Date | str) -> str:
    day = date if isinstance(date, str) else date.isoformat()[:10]
    try:
        return pattern.format(database=quote(database), date=quote(day))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"expected no placeholders but {{database}} and {{date}} in a dump pattern, found {pattern!r}; "
            "correct the pattern of this database in the registry"
        ) from error
