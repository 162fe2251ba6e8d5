"""People with values that stand nowhere else, in each kind of personal column; and where such a value is found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tributary.contracts import Contract

TAG = "projects/p/locations/us/taxonomies/1/policyTags/2"
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"type": "int"},
    "email": {"type": "varchar(99)", "personal": "hash"},
    "name": {"type": "varchar(99)", "personal": "drop"},
    "phone": {"type": "varchar(30)", "personal": "mask", "nullable": True},
    "born": {"type": "date", "personal": "mask"},
    "iban": {"type": "char(22)", "personal": "tag"},
    "city": {"type": "varchar(30)"},
}
# The third row breaks a rule: it has no city.
PEOPLE = [
    (1, "plantedhash1@a.example", "Planteddrop One", "+49 30 99887766", "1971-03-04", "DE00PLANTEDTAG00000001", "Ulm"),
    (2, "plantedhash2@a.example", "Planteddrop Two", "plantedmask", "1972-05-06", "DE00PLANTEDTAG00000002", "Bonn"),
    (3, "plantedhash3@a.example", "Planteddrop No 3", "0049 89 77665544", "1973-07-08", "DE00PLANTEDTAG00000003", None),
]  # fmt: skip
CLEAR = [
    *("plantedhash", "Planteddrop", "plantedmask", "99887766", "77665544"),
    *(row[4] for row in PEOPLE),
]
TAGGED = "PLANTEDTAG"


def contract() -> Contract:
    return Contract.model_validate({
        "app": "planted", "models": "generated", "completion_line": False,
        "tables": {"people": {"primary_key": ["id"], "columns": COLUMNS}},
    })  # fmt: skip


def dump(people: Iterable[tuple[Any, ...]] = PEOPLE) -> bytes:
    """What `mysqldump` leaves of them."""
    rows = ",".join(str(row).replace("None", "NULL") for row in people)
    return (
        "CREATE TABLE `people` (`id` int NOT NULL, `email` varchar(99) NOT NULL, `name` varchar(99) NOT NULL, "
        "`phone` varchar(30), `born` date NOT NULL, `iban` char(22) NOT NULL, `city` varchar(30), PRIMARY KEY (`id`), "
        f"UNIQUE KEY `by_email` (`email`));\nINSERT INTO `people` VALUES {rows};\n"
        "-- Dump completed on 2013-01-01  2:00:00\n"
    ).encode()


class Written:
    """All that was written anywhere behind the staging database, as text by place."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, place: str, value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        self.texts[place] = self.texts.get(place, "") + text

    def with_value(self, value: str) -> set[str]:
        return {place for place, text in self.texts.items() if value.lower() in text.lower()}
