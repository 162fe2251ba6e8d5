{#
    Each of *keys* (a column, and the model where it is the key under the same name) is null or points to a row
    there; with *within*, to one that has the same value in these columns, too. That model is read with the
    test's own `where`, so that both sides are of the same dump.
#}
{% test foreign_keys(model, keys, within=[]) %}

with child as (
    select * from {{ model }}
)
{%- for column, parent in keys.items() %}
{{ 'union all' if not loop.first }}
select
    '{{ column }} of {{ parent }}' as key,
    cast(child.{{ column }} as string) as not_found
from child
left join (
    select {{ (within + [column]) | join(', ') }}, true as is_there
    from {{ ref(parent) }}
    where {{ tested_rows() or 'true' }}
) as parent
    on child.{{ column }} = parent.{{ column }}
    {%- for group in within %}
    and child.{{ group }} = parent.{{ group }}
    {%- endfor %}
where parent.is_there is null and child.{{ column }} is not null
{%- endfor %}

{% endtest %}
