{#
    How `insert_overwrite` puts new rows in the place of a partition: dbt's extension point of that name, whose
    default is `merge ... on false`. Deleting and inserting in one transaction is as atomic for readers; BigQuery
    deletes a whole partition for nothing where the merge is billed for reading it, and engines that do not
    know the special case compare each old row with each new one. The partition is that of the run's dump, whatever
    `partitions` says: that has dbt take this way, and is the same for all days. No semicolon at the end: dbt puts one.
    https://cloud.google.com/bigquery/docs/using-dml-with-partitioned-tables#using_dml_delete_to_delete_partitions
#}
{% macro bigquery__get_insert_overwrite_merge_sql(target, source, dest_columns, predicates, include_sql_header) %}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) %}
    begin transaction;
    delete from {{ target }}
    where {{ config.require('partition_by').field }} = {{ dump_date() }};
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ source }};
    commit transaction
{%- endmacro %}
