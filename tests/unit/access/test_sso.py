"""Single sign-on's variables, and whom a token lets in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tributary.access.sso import SingleSignOn, SsoError


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret").write_text("made up\n")
    return {
        "TRIBUTARY_SSO_ISSUER": "https://accounts.google.com/",
        "TRIBUTARY_SSO_CLIENT_ID": "tributary",
        "TRIBUTARY_SSO_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "TRIBUTARY_SSO_DOMAINS": "example.com, Example.org",
        "TRIBUTARY_SSO_ROLES": '{"data-on-call": ["Op"], "Jane@example.com": ["Admin"]}',
    }


def sso(variables: dict[str, str]) -> SingleSignOn:
    found = SingleSignOn.from_environment(variables)
    assert found is not None
    return found


def test_without_an_issuer_there_is_no_single_sign_on():
    assert SingleSignOn.from_environment({"TRIBUTARY_SSO_ISSUER": "", "TRIBUTARY_SSO_DOMAINS": "example.com"}) is None


def test_the_provider_is_found_by_its_published_metadata(variables: dict[str, str]):
    provider = sso(variables).provider()
    assert provider["name"] == "sso"
    assert provider["remote_app"] == {
        "client_id": "tributary",
        "client_secret": "made up",
        "server_metadata_url": "https://accounts.google.com/.well-known/openid-configuration",
        "client_kwargs": {"scope": "openid email profile", "code_challenge_method": "S256"},
    }
    assert "made up" not in repr(sso(variables))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ISSUER", "http://id.example.com", "expected an address such as https://"),
        ("CLIENT_ID", "", "TRIBUTARY_SSO_CLIENT_ID is not set"),
        ("DOMAINS", " ", "TRIBUTARY_SSO_DOMAINS is not set"),
        ("DOMAINS", "example.com,", "expected domains"),
        ("DOMAINS", "jane@example.com", "expected domains"),
        ("CLIENT_SECRET_FILE", "/nowhere/at/all", "the client's secret cannot be read"),
        ("ROLES", "Op", "expected JSON such as"),
        ("ROLES", '["Op"]', "expected JSON such as"),
        ("ROLES", '{"group": "Op"}', "expected a list of Viewer, Op, Admin"),
        ("ROLES", '{"group": ["Operator"]}', "expected a list of Viewer, Op, Admin"),
    ],
)
def test_what_is_missing_or_malformed_is_named(variables: dict[str, str], name: str, value: str, said: str):
    with pytest.raises(SsoError, match=said):
        SingleSignOn.from_environment(variables | {f"TRIBUTARY_SSO_{name}": value})


def test_an_empty_secret_is_refused(variables: dict[str, str], tmp_path: Path):
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(SsoError, match="is empty"):
        sso(variables)


CLAIMS: dict[str, Any] = {
    "email": "Jane@Example.com",
    "email_verified": True,
    "given_name": "Jane",
    "family_name": "Doe",
}


def test_the_account_is_named_after_the_verified_address_and_nothing_that_one_may_choose(variables: dict[str, str]):
    user = sso(variables).user(CLAIMS | {"preferred_username": "admin", "groups": ["data-on-call"]})
    assert user == {
        "username": "jane@example.com", "email": "jane@example.com", "first_name": "Jane", "last_name": "Doe",
        "role_keys": ["jane@example.com", "data-on-call"],
    }  # fmt: skip
    assert set(sso(variables).roles) == {"data-on-call", "jane@example.com"}


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": None, "email_verified": True},
        {"email": "jane", "email_verified": True},
        {"email": "@example.com", "email_verified": True},
        {"email": "jane@evil-example.com", "email_verified": True},
        {"email": "jane@example.com.evil.com", "email_verified": True},
        {"email": "jane@example.com", "email_verified": False},
        {"email": "jane@example.com", "email_verified": "true"},
        {"email": "jane@example.com"},
    ],
)
def test_whoever_is_not_known_for_sure_is_refused(variables: dict[str, str], claims: dict[str, Any]):
    assert sso(variables).user(claims) == {}


def test_a_provider_that_says_nothing_of_verification_is_believed_only_when_told_so(variables: dict[str, str]):
    trusting = sso(variables | {"TRIBUTARY_SSO_TRUST_ADDRESS": "true"})
    assert trusting.user({"email": "jane@example.com"})["username"] == "jane@example.com"
    assert trusting.user({"email": "jane@example.com", "email_verified": False}) == {}


def test_one_group_need_not_be_a_list_and_its_claim_may_have_another_name(variables: dict[str, str]):
    found = sso(variables | {"TRIBUTARY_SSO_GROUPS_CLAIM": "roles"})
    assert found.user(CLAIMS | {"roles": "data-on-call"})["role_keys"][1:] == ["data-on-call"]
    assert json.loads(variables["TRIBUTARY_SSO_ROLES"])["data-on-call"] == ["Op"]
