"""A column of `consolidated` has the policy tags of the audited one, before it has its values."""

from __future__ import annotations

from google.cloud import bigquery

from tributary import naming
from tributary.ledger.reading import table_columns
from tributary.publishing import _prepare

TAG = "projects/p/locations/us/taxonomies/1/policyTags/2"


def table(client: bigquery.Client, dataset: str, **tags: str) -> None:
    """`people` with these columns, each with its tag; an empty one is none."""
    client.create_dataset(dataset, exists_ok=True)
    fields = [
        bigquery.SchemaField("id", "INT64"),
        *(
            bigquery.SchemaField(name, "STRING", policy_tags=bigquery.PolicyTagList([tag]) if tag else None)
            for name, tag in tags.items()
        ),
    ]
    client.delete_table(f"{dataset}.people", not_found_ok=True)
    client.create_table(bigquery.Table(f"{client.project}.{dataset}.people", schema=fields))


def tags_of(client: bigquery.Client, dataset: str) -> dict[str, tuple[str, ...]]:
    schema = client.get_table(f"{client.project}.{dataset}.people").schema
    return {
        field.name: tuple(field.policy_tags.names) for field in schema if field.policy_tags and field.policy_tags.names
    }


def prepare(client: bigquery.Client) -> None:
    wanted, published = table_columns(client, "tagged"), table_columns(client, naming.CONSOLIDATED)
    _prepare(client, "tagged", wanted, published)


def test_a_table_that_is_made_has_them(client: bigquery.Client):
    table(client, "tagged", iban=TAG, name="")
    client.create_dataset(naming.CONSOLIDATED, exists_ok=True)
    prepare(client)
    assert tags_of(client, naming.CONSOLIDATED) == {"iban": (TAG,)}


def test_so_has_a_column_that_comes_later_and_one_that_is_tagged_later(client: bigquery.Client):
    table(client, naming.CONSOLIDATED, name="")
    table(client, "tagged", name=TAG, iban=TAG)
    prepare(client)
    assert tags_of(client, naming.CONSOLIDATED) == {"name": (TAG,), "iban": (TAG,)}


def test_a_tag_is_not_taken_away_with_rows(client: bigquery.Client):
    table(client, naming.CONSOLIDATED, name=TAG)
    client.query("insert into consolidated.people (id, name) values (1, 'a')").result()
    assert tags_of(client, naming.CONSOLIDATED) == {"name": (TAG,)}
