"""What has to be there before personal columns are copied: the key of hashes, and the name of the policy tag."""

from __future__ import annotations

import os
import re

from tributary.contracts import Contract
from tributary.errors import PersonalDataError, TributaryError
from tributary.privacy.expressions import HashKey
from tributary.privacy.ways import Personal

# Its password is the key.
PERSONAL_DATA_CONNECTION = "personal_data"
SHORTEST_KEY = 32
POLICY_TAG = "TRIBUTARY_PERSONAL_POLICY_TAG"
_TAG_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/taxonomies/[^/]+/policyTags/[^/]+")


def hash_key(contract: Contract) -> HashKey | None:
    """The key, where a column of the contract is hashed; None where none is.

    The key, and what is made of it, is masked in logs from then on. Raises PersonalDataError where it is too short, and
    TributaryError where Airflow gives no such connection, which it also does while its API server is away.
    """
    hashed = contract.selected_as(Personal.hash)
    if not hashed:
        return None
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret

    expected = (
        f"include/contracts/{contract.app}.yaml hashes {', '.join(hashed)}: expected Airflow's connection "
        f"`{PERSONAL_DATA_CONNECTION}` with a password of at least {SHORTEST_KEY} characters, the key of the hashes"
    )
    then = "Make it (docs/personal-data.md#the-key), then clear sync"
    try:
        password = BaseHook.get_connection(PERSONAL_DATA_CONNECTION).password or ""
    except AirflowNotFoundException as error:
        raise TributaryError(f"{expected}; found no such connection. {then}") from error
    mask_secret(password)
    if len(password) < SHORTEST_KEY:
        raise PersonalDataError(f"{expected}; found {len(password)} characters. {then}")
    key = HashKey.of(password.encode())
    mask_secret(key.inner)
    mask_secret(key.outer)
    return key


def require_policy_tag(contract: Contract) -> None:
    """Raise PersonalDataError where a column is to be tagged and the environment names no tag."""
    tagged, found = contract.selected_as(Personal.tag), os.environ.get(POLICY_TAG, "")
    if tagged and not _TAG_NAME.fullmatch(found):
        raise PersonalDataError(
            f"include/contracts/{contract.app}.yaml has {', '.join(tagged)} copied in clear, with a policy tag: "
            f"expected its name in the environment variable {POLICY_TAG}, such as "
            f"projects/P/locations/L/taxonomies/1/policyTags/2, found {found!r}. Nothing was copied. Set it "
            "(Terraform's output personal_policy_tag), or say `drop` or `hash` in the contract; then clear sync"
        )
