{#
    The history of a table of the app has one version a key at a time, each with its end and the reason for it, and as of
    the run's dump the rows that raw has. Looked at are the versions that the run can have changed: those that end with
    its dump or later, or have not ended.
#}
{% test versions(model, key, app, table) %}

{%- set today = dump_date() %}
with versions as (
    select
        to_json_string(struct({% for column in key %}`{{ column }}`{{ ', ' if not loop.last }}{% endfor %})) as found,
        _valid_from,
        _valid_to,
        _ended_by
    from {{ model }}
    where _valid_to is null or _valid_to >= {{ today }}
),

followed as (
    select
        versions.*,
        lead(_valid_from) over (partition by found order by _valid_from) as next_from
    from versions
)

select
    found,
    concat('the version of ', _valid_from, ' ends wrongly, or overlaps the next one') as problem
from followed
where
    _valid_to <= _valid_from
    or next_from < _valid_to
    or (_valid_to is null and next_from is not null)
    or (_valid_to is null) != (_ended_by is null)
    or (_ended_by = 'change') != coalesce(next_from = _valid_to, false)

union all

select
    concat(there.n, ' rows as of the dump') as found,
    concat('expected ', raw.n, ', those of raw') as problem
from (
    select count(*) as n from versions
    where _valid_from <= {{ today }} and (_valid_to is null or _valid_to > {{ today }})
) as there
cross join (select count(*) as n from {{ source('raw_' ~ app, table) }}) as raw
where there.n != raw.n

{% endtest %}
