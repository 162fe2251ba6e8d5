{#
    All databases of *app* that this run takes: of each, the rows of *mart* that its dump of the as-of date left, with
    the database's name in front. No database of the app in TRIBUTARY_AS_OF: no rows, the same columns and types.

    A query has the first `consolidated_at_once` of them, and `consolidate_rest` inserts the others: BigQuery takes
    1,000 tables and 1,024,000 characters in a query, and a database is about 1,200 characters.
    https://cloud.google.com/bigquery/quotas#query_jobs
#}
{% macro consolidate(app, mart) %}
    {{- rows_of_databases(mart, databases_as_of(app)[:consolidated_at_once()]) -}}
{% endmacro %}


{# Hook of the consolidated models: inserts the rows of the databases that the model's own query leaves out. #}
{% macro consolidate_rest() %}
    {%- if execute -%}
        {%- set target = 'insert into ' ~ this ~ ' (' ~ get_quoted_csv(model.columns) ~ ')\n' -%}
        {%- set databases = databases_as_of(model.fqn[2])[consolidated_at_once():] -%}
        {%- for some in databases | batch(consolidated_at_once()) -%}
            {%- do run_query(target ~ rows_of_databases(model.alias, some)) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro consolidated_at_once() %}
    {{- return(var('consolidated_at_once', 400)) -}}
{% endmacro %}


{#
    The columns are those of the calling model's contract, so their order and names are certain. The marts are
    read by name because ref() knows each of them once, in the dataset of one database; the order between loading
    a database and consolidating is the scheduler's.
#}
{% macro rows_of_databases(mart, databases) %}
    {%- set columns = [] -%}
    {%- for column in model.columns.values() if column.name != '_database' -%}
        {%- do columns.append(column) -%}
    {%- endfor -%}
    {%- for database, as_of in databases %}
    {% if not loop.first %}union all{% endif %}
    select
        '{{ database }}' as _database,
        {{ columns | map(attribute='name') | join(',\n        ') }}
    from {{ api.Relation.create(database=target.database, schema=database, identifier=mart) }}
    where _dump_date = date '{{ as_of }}'
    {%- else %}
    select
        cast(null as string) as _database
        {%- for column in columns %},
        cast(null as {{ column.data_type }}) as {{ column.name }}
        {%- endfor %}
    from unnest([1])
    where false
    {%- endfor %}
{% endmacro %}
