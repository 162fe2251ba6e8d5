{# The script that brings the run's dump into the history. No semicolon at the end: dbt puts one. #}
{% macro keep_versions(rows, changes, days, columns) %}
    {%- set keys = columns | selectattr('key') | map(attribute='name') | list -%}
    {%- set names = columns | map(attribute='name') | join(', ') -%}
    {%- set today = dump_date() -%}
    {%- set all_columns, version_key = columns + version_own_columns(), keys + ['_valid_from'] -%}
    {%- set is_as_before = version_same('_version_earlier', '_version_today', columns) -%}
    {%- set is_as_after = version_same('_version_later', '_version_today', columns) -%}
    declare _version_before date
        default coalesce((select max(_dump_date) from {{ days }} where _dump_date < {{ today }}), date '0001-01-01');
    declare _version_after date
        default (select min(_dump_date) from {{ days }} where _dump_date > {{ today }});
    declare _version_recorded timestamp
        default (select max(recorded_at) from {{ days }});
    select if(
        exists(
            select 1 from {{ rows }}
            group by {{ keys | join(', ') }}
            having count(*) > 1 or {{ keys | join(' is null or ') }} is null
        ),
        error('{{ this.identifier }}: expected one row for each {{ config.require('unique_key') | join(', ') }}; found some '
            || 'with the same, or with an empty one. The history is as it was. Set them aside or mend them in production.'),
        0
    );

    create or replace table {{ changes }}
    {{ bigquery_table_options(config, model, True) }}
    as (
    with _version_known as (
        select {{ names }}, _valid_from, _valid_to, _ended_by
        from {{ this }}
        where {{ version_is_near() }} and _valid_from <= coalesce(_version_after, date '9999-12-31')
    ),

    _version_earlier as (
        select * from _version_known
        where _valid_from <= _version_before
    ),

    _version_later as (
        select * from _version_known
        where _version_after is not null and (_valid_to is null or _valid_to > _version_after)
    ),

    _version_today as (
        select
            {%- for column in columns %}
            {{ column.name if column.loaded else 'cast(null as ' ~ column.type ~ ') as ' ~ column.name }},
            {%- endfor %}
            {{ today }} as _valid_from
        from {{ rows }}
    ),

    {{ version_set_aside(keys, columns) }},

    _version_wanted as (
        -- As today's dump has it, from when the dump before had it so, until the dump after has it so no more.
        select
            {{ version_names('_version_today', columns) }},
            if({{ is_as_before }}, _version_earlier._valid_from, {{ today }}) as _valid_from,
            if({{ is_as_after }}, _version_later._valid_to, _version_after) as _valid_to,
            case
                when {{ is_as_after }} then _version_later._ended_by
                when _version_after is null then null
                {{ version_ended_by('_version_later._valid_from') }}
            end as _ended_by
        from _version_today
        {{ version_join('_version_earlier', '_version_today', keys) }}
        {{ version_join('_version_later', '_version_today', keys) }}
        {{ version_join('_version_aside', '_version_today', keys) }} and _version_aside._dump_date = _version_after
        union all
        -- As the dump before has it and today's no more.
        select
            {{ version_names('_version_earlier', columns) }},
            _version_earlier._valid_from,
            {{ today }} as _valid_to,
            case {{ version_ended_by('_version_today._valid_from') }} end as _ended_by
        from _version_earlier
        {{ version_join('_version_today', '_version_earlier', keys) }}
        {{ version_join('_version_aside', '_version_earlier', keys) }} and _version_aside._dump_date = {{ today }}
        where not ({{ version_same('_version_today', '_version_earlier', columns) }})
        union all
        -- As the dump after has it and today's not yet.
        select
            {{ version_names('_version_later', columns) }},
            _version_after as _valid_from,
            _version_later._valid_to,
            _version_later._ended_by
        from _version_later
        {{ version_join('_version_today', '_version_later', keys) }}
        where not ({{ version_same('_version_today', '_version_later', columns) }})
    )

    -- Of what is wanted and of what is known, what the other lacks.
    select
        {{ version_names('_version_wanted', all_columns) }},
        true as _version_is_new
    from _version_wanted
    {{ version_join('_version_known', '_version_wanted', version_key) }}
    where not ({{ version_same('_version_known', '_version_wanted', all_columns) }})
    union all
    select
        {{ version_names('_version_known', all_columns) }},
        false as _version_is_new
    from _version_known
    {{ version_join('_version_wanted', '_version_known', version_key) }}
    where not ({{ version_same('_version_wanted', '_version_known', all_columns) }})
    );

    begin transaction;
    select if(
        (select max(recorded_at) from {{ days }}) is distinct from _version_recorded,
        error('{{ this.identifier }}: another run has brought a dump into it meanwhile; try again'),
        0
    );
    delete from {{ this }} as _version_old
    where {{ version_is_near() }}
        and exists(
            select 1 from {{ changes }} as _version_gone
            where not _version_gone._version_is_new
                and {{ version_same_key('_version_gone', '_version_old', version_key) }}
        );
    insert into {{ this }} ({{ names }}, _valid_from, _valid_to, _ended_by)
    select {{ names }}, _valid_from, _valid_to, _ended_by from {{ changes }}
    where _version_is_new;
    delete from {{ days }} where _dump_date = {{ today }};
    insert into {{ days }} (_dump_date, row_count, recorded_at)
    select {{ today }}, count(*), current_timestamp() from {{ rows }};
    commit transaction
{%- endmacro %}


{# Versions that ended after the known day before, or have not: BigQuery reads their partitions alone, by a constant. #}
{% macro version_is_near() -%}
    (_valid_to is null or _valid_to > _version_before)
{%- endmacro %}


{% macro version_names(table, columns) -%}
    {% for column in columns %}{{ table }}.{{ column.name }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}


{% macro version_same_key(one, other, keys) -%}
    {% for key in keys %}{{ one }}.{{ key }} = {{ other }}.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro %}


{% macro version_join(joined, table, keys) -%}
    left join {{ joined }} on {{ version_same_key(joined, table, keys) }}
{%- endmacro %}


{# Whether a row that was joined by its key is there, and has the same in every other column; never null. #}
{% macro version_same(joined, table, columns) -%}
    {{ joined }}._valid_from is not null
    {%- for column in columns if not column.key %}
        and {{ version_comparable(joined, column) }} is not distinct from {{ version_comparable(table, column) }}
    {%- endfor %}
{%- endmacro %}


{# A column's value, or what of it can be compared: of the types that loaders give, BigQuery compares all but JSON. #}
{% macro version_comparable(table, column) -%}
    {%- set value = table ~ '.' ~ column.name -%}
    {%- if column.type == 'JSON' -%}
        if({{ value }} is null, null, to_json_string({{ value }}))
    {%- else -%}
        {{ value }}
    {%- endif -%}
{%- endmacro %}


{# Why a version ends with a dump in which its key has something else, where `there` is not null, or nothing. #}
{% macro version_ended_by(there) -%}
    when {{ there }} is not null then 'change'
    when _version_aside._dump_date is not null then 'quarantine'
    else 'deletion'
{%- endmacro %}


{# The history's own columns that a version may differ in. #}
{% macro version_own_columns() -%}
    {{- return([
        {'name': '_valid_from', 'type': 'DATE', 'key': true},
        {'name': '_valid_to', 'type': 'DATE', 'key': false},
        {'name': '_ended_by', 'type': 'STRING', 'key': false},
    ]) -}}
{%- endmacro %}


{# The keys that were set aside of the run's dump and of the known one after: rows that are there, but not to be had. #}
{% macro version_set_aside(keys, columns) -%}
    {%- set aside = adapter.get_relation(target.database, 'quarantine__' ~ target.schema, model.sources[0][1]) -%}
    _version_aside as (
        select distinct
            {%- for column in columns if column.key %}
            cast({{ column.name if aside else 'null' }} as {{ column.type }}) as {{ column.name }},
            {%- endfor %}
            {{ '_dump_date' if aside else 'cast(null as date) as _dump_date' }}
        from {{ aside or 'unnest([1])' }}
        where {{ '_dump_date in (' ~ dump_date() ~ ', _version_after)' if aside else 'false' }}
    )
{%- endmacro %}
