"""Writes provider_schema.json: the arguments of the providers' resources that infra/terraform uses.

    python -m tests.infra.provider_schema FOLDER

FOLDER holds the wheels that `pip download --no-deps` gets of cdktf-cdktf-provider-google, -datadog and -random:
bindings that HashiCorp generated from the providers' own schemas, the last ones in December 2025. So arguments can be
checked where no provider can be installed; where one can, `terraform validate` does it.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from tests.infra.plan import plan

SCHEMA = Path(__file__).with_name("provider_schema.json")
_RESOURCE = "cdktf.TerraformResource"


def main(folder: Path) -> None:
    """Write the file anew."""
    used = plan("full").resources
    schema: dict[str, Any] = {"versions": {}, "resources": {}}
    for provider in ("google", "datadog", "random"):
        (wheel,) = folder.glob(f"cdktf_cdktf_provider_{provider}-*.whl")
        version, types = _bindings(wheel)
        schema["versions"][provider] = version
        for name, details in types.items():
            if details.get("base") == _RESOURCE and f"{name}Config" in types:
                found = re.search(r"docs/resources/(\w+) ", json.dumps(details.get("docs", {})))
                if found and f"{provider}_{found[1]}" in used:
                    schema["resources"][f"{provider}_{found[1]}"] = _arguments(types, f"{name}Config")
    schema["resources"] = dict(sorted(schema["resources"].items()))
    SCHEMA.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


def _bindings(wheel: Path) -> tuple[str, dict[str, Any]]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
        version = re.search(r"provider version ([\d.]+)", metadata)
        with (
            archive.open(next(name for name in names if name.endswith(".jsii.tgz"))) as inner,
            tarfile.open(fileobj=inner) as package,
        ):
            content = package.extractfile("package/.jsii")
            if content is None or version is None:
                raise SystemExit(f"{wheel}: expected package/.jsii and the provider's version, found neither or one")
            return version[1], json.load(content)["types"]


def _arguments(types: dict[str, Any], name: str) -> dict[str, Any]:
    """By argument `required` or `optional`, and for a block also its own arguments."""
    found = {}
    for property_ in types[name].get("properties", []):
        need = "optional" if property_.get("optional") else "required"
        block = _type_of(property_["type"])
        nested = types.get(block or "", {}).get("kind") == "interface"
        found[_snake(property_["name"])] = [need, _arguments(types, block)] if nested and block else need
    return found


def _type_of(details: dict[str, Any]) -> str | None:
    if "fqn" in details:
        return str(details["fqn"])
    if "collection" in details:
        return _type_of(details["collection"]["elementtype"])
    choices = (_type_of(choice) for choice in details.get("union", {}).get("types", []))
    return next((choice for choice in choices if choice and choice != "cdktf.IResolvable"), None)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
