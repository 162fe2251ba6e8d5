"""What `terraform validate` would say of references, where there is no provider to run it with."""

import re
from functools import cache

import pytest

from tests.infra.plan import TERRAFORM

FOLDERS = [TERRAFORM, *sorted(path for path in (TERRAFORM / "modules").iterdir() if path.is_dir())]
_IDS = [folder.name for folder in FOLDERS]


@cache
def _text(folder):
    """All files of a module, without comments."""
    lines = (line for path in sorted(folder.glob("*.tf")) for line in path.read_text().splitlines())
    return "\n".join(line for line in lines if not line.strip().startswith("#"))


def _declared(folder, kind):
    return set(re.findall(rf'^{kind} "(\w+)"', _text(folder), re.MULTILINE))


def _locals(folder):
    blocks = re.findall(r"^locals \{\n(.*?)^\}", _text(folder), re.MULTILINE | re.DOTALL)
    return {name for block in blocks for name in re.findall(r"^  (\w+) +=", block, re.MULTILINE)}


def _calls():
    """By module call of the root module: its folder, and the arguments that it gives."""
    found = {}
    for name, body in re.findall(r'^module "(\w+)" \{\n(.*?)^\}', _text(TERRAFORM), re.MULTILINE | re.DOTALL):
        arguments = set(re.findall(r"^  (\w+) +=", body, re.MULTILINE)) - {"source", "count", "for_each", "depends_on"}
        source = re.search(r'source += "\./modules/(\w+)"', body)[1]
        found[name] = (TERRAFORM / "modules" / source, arguments)
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=_IDS)
def test_what_a_module_refers_to_it_declares_and_the_other_way_round(folder):
    text = _text(folder)
    assert set(re.findall(r"\bvar\.(\w+)", text)) == _declared(folder, "variable")
    assert set(re.findall(r"\blocal\.(\w+)", text)) == _locals(folder)
    assert set(re.findall(r"\bmodule\.(\w+)", text)) <= _declared(folder, "module")
    resources = set(re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE))
    data = set(re.findall(r'^data "(\w+)" "(\w+)"', text, re.MULTILINE))
    ephemeral = set(re.findall(r'^ephemeral "(\w+)" "(\w+)"', text, re.MULTILINE))
    assert set(re.findall(r"\bdata\.(google_\w+)\.(\w+)", text)) == data
    assert set(re.findall(r"\bephemeral\.(random_\w+)\.(\w+)", text)) == ephemeral
    assert set(re.findall(r"(?<!data\.)\b(google_\w+)\.(\w+)[.\[]", text)) <= resources


@pytest.mark.parametrize("name", _calls())
def test_a_module_is_given_what_it_asks_for_and_nothing_else(name):
    folder, given = _calls()[name]
    declarations = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', _text(folder), re.MULTILINE | re.DOTALL)
    required = {variable for variable, body in declarations if not re.search(r"^  default ", body, re.MULTILINE)}
    assert required <= given <= {variable for variable, _ in declarations}


@pytest.mark.parametrize("name", _calls())
def test_of_a_module_only_its_outputs_are_asked_for(name):
    folder, _ = _calls()[name]
    asked = set(re.findall(rf"\bmodule\.{name}(?:\[\*\])?\.(\w+)", _text(TERRAFORM)))
    assert asked <= _declared(folder, "output")


@pytest.mark.parametrize("folder", FOLDERS[1:], ids=_IDS[1:])
def test_every_output_of_a_module_is_asked_for(folder):
    callers = [name for name, (source, _) in _calls().items() if source == folder]
    text = _text(TERRAFORM)
    for output in _declared(folder, "output"):
        assert any(
            re.search(rf"\bmodule\.{name}(\[\*\])?\.{output}\b", text)
            or (f"in module.{name} :" in text and re.search(rf"\binstance\.{output}\b", text))
            for name in callers
        ), f"{folder.name}: {output}"


def test_ephemeral_values_go_only_where_nothing_is_kept():
    """An ephemeral variable of a module ends in a write-only argument."""
    for folder in FOLDERS[1:]:
        for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', _text(folder), re.MULTILINE | re.DOTALL):
            if "ephemeral" in body:
                uses = [line for line in _text(folder).splitlines() if re.search(rf"\bvar\.{name}\b", line)]
                assert uses
                assert all(re.match(r"\s+\w+_wo += ", line) for line in uses), uses


@pytest.mark.parametrize("name", sorted(set(_calls()) - {"datadog"}))
def test_a_module_waits_for_the_apis(name):
    """In an empty project a request to an API that is still off fails, and the apply with it."""
    body = re.search(rf'^module "{name}" \{{\n(.*?)^\}}', _text(TERRAFORM), re.MULTILINE | re.DOTALL)[1]
    assert re.search(r"^  depends_on = \[google_project_service\.this\b", body, re.MULTILINE)
