{#
    Materialization of `<table>__history`: every version that a table's rows have had in the dumps (docs/history.md).

    The model's SQL gives the rows of the run's dump. Which other days are known says `<table>__history_days`, with a row
    for each, written in the same transaction. A run looks at the versions that touch its own day, the known one
    before and the known one after, and at no other: together with the dump they say all that its day can change, so the
    history of a set of dumps is the same in whatever order, and however often, they were loaded.

    Names begin with `_version_`, as those of no column of production may: BigQuery would take the column.
#}
{% materialization history, adapter='bigquery' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set rows = make_temp_relation(this) -%}
    {%- set changes = make_temp_relation(this, '__dbt_changes') -%}
    {{ run_hooks(pre_hooks) }}

    {%- call statement('rows_of_the_dump') -%}
        {{ create_table_as(True, rows, compiled_code) }}
    {%- endcall -%}
    {%- set days = api.Relation.create(
        database=this.database, schema=this.schema, identifier=this.identifier ~ '_days', type='table'
    ) -%}
    {%- if load_relation(this) is none -%}
        {# The days first: a history without them is refused. #}
        {%- call statement('no_days_yet') -%}
            {{ empty_history_days(days) }}
        {%- endcall -%}
        {%- call statement('no_versions_yet') -%}
            {{ create_table_as(False, this, 'select * from ' ~ rows ~ ' where false') }}
        {%- endcall -%}
    {%- elif load_relation(days) is none -%}
        {{ exceptions.raise_compiler_error(
            days ~ " does not exist: expected it to say which dumps " ~ this ~ " knows. Bring it back by BigQuery's "
            ~ "time travel, or drop " ~ this ~ " to begin anew with the dumps that are loaded from then on."
        ) }}
    {%- endif -%}
    {%- set columns = history_columns(rows, this) -%}
    {%- call statement('main') -%}
        {{ keep_versions(rows, changes, days, columns) }}
    {%- endcall -%}

    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.drop_relation(changes) -%}
    {%- do adapter.drop_relation(rows) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{# The days that a history knows, before it knows any. #}
{% macro empty_history_days(days) %}
    create or replace table {{ days }} (
        _dump_date date options (description = 'Day of a dump that the history knows.'),
        row_count int64 options (description = 'Rows of the table in it.'),
        recorded_at timestamp options (description = 'When it was brought into the history last.')
    )
{% endmacro %}


{#
    The columns of production in a history, once it has those of the dump: dicts of `name` and `type`, whether it is of
    the `key`, and whether the dump still has it (`loaded`). One that has left the contract stays, empty from then on.
    A type that has changed is refused.
#}
{% macro history_columns(rows, history) %}
    {%- set loaded = {} -%}
    {%- for column in adapter.get_columns_in_relation(rows) -%}
        {%- do loaded.update({column.name: column}) -%}
    {%- endfor -%}
    {%- set kept = {} -%}
    {%- for column in adapter.get_columns_in_relation(history) -%}
        {%- do kept.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- set added = [] -%}
    {%- for name, column in loaded.items() -%}
        {%- if name not in kept -%}
            {%- do added.append(column) -%}
            {%- do kept.update({name: column.data_type}) -%}
        {%- elif kept[name] != column.data_type -%}
            {{ exceptions.raise_compiler_error(
                history ~ "." ~ name ~ " is " ~ kept[name] ~ ", the contract now makes it " ~ column.data_type
                ~ ". The history is as it was. Where BigQuery can widen a type, have it: `alter table ... alter column "
                ~ name ~ " set data type " ~ column.data_type ~ "`. Else rename the old column; the next run adds the new."
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {%- if added -%}
        {%- do alter_relation_add_remove_columns(history, added, none) -%}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for name, type in kept.items() if name not in ('_valid_from', '_valid_to', '_ended_by') -%}
        {%- do found.append({
            'name': adapter.quote(name), 'type': type, 'loaded': name in loaded,
            'key': name in config.require('unique_key'),
        }) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
