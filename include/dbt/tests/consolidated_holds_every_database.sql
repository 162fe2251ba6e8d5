-- Every database of the consolidation is there, with rows of its as-of date. The tables asked are never empty
-- in a whole dump: a shop without products or an airport without airlines means that a partition was missing.
{{ config(tags=['consolidated']) }}

with expected as (
    {%- for app in apps() or {} %}
    {%- for database, as_of in databases_as_of(app) %}
    select
        '{{ database }}' as _database,
        date '{{ as_of }}' as _dump_date
    union all
    {%- endfor %}
    {%- endfor %}
    select
        cast(null as string) as _database,
        cast(null as date) as _dump_date
    from unnest([1])
    where false
),

found as (
    select
        _database,
        _dump_date
    from {{ ref('consolidated__products') }}
    union distinct
    select
        _database,
        _dump_date
    from {{ ref('consolidated__airlines') }}
)

select expected.*
from expected
left join found on expected._database = found._database and expected._dump_date = found._dump_date
where found._database is null
