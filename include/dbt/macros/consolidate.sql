{#
    All databases of *app* in one query: of each, the rows of *mart* that its dump of the as-of date left, with
    the database's name in front. No database of the app in `as_of`: no rows, the same columns and types.

    The columns are those of the calling model's contract, so their order and names are certain. The marts are
    read by name because ref() knows each of them once, in the dataset of one database; the order between loading
    a database and consolidating is the scheduler's.
#}
{% macro consolidate(app, mart) %}
    {%- set columns = [] -%}
    {%- for column in model.columns.values() if column.name != '_database' -%}
        {%- do columns.append(column) -%}
    {%- endfor -%}
    {%- for database, as_of in databases_as_of(app) %}
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
