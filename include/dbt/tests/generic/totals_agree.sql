{#
    Totals do not depend on the model they are taken from: for each item of *totals*, the sum of the expression on
    the left over the model is that of the expression on the right over *other*; with *by*, within each group.
#}
{% test totals_agree(model, totals, other, by=[]) %}

{%- set by = by or ['1'] %}
with here as (
    select
        {% for group in by %}{{ group }} as group_{{ loop.index }}, {% endfor %}
        {%- for mine in totals %}
        coalesce(sum({{ mine }}), 0) as total_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
    group by {% for group in by %}group_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
),

there as (
    select
        {% for group in by %}{{ group }} as group_{{ loop.index }}, {% endfor %}
        {%- for theirs in totals.values() %}
        coalesce(sum({{ theirs }}), 0) as total_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(other) }}
    where {{ tested_rows() or 'true' }}
    group by {% for group in by %}group_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
)

select
    {% for group in by %}coalesce(here.group_{{ loop.index }}, there.group_{{ loop.index }}) as group_{{ loop.index }}, {% endfor %}
    {%- for mine in totals %}
    here.total_{{ loop.index }} as here_{{ loop.index }},
    there.total_{{ loop.index }} as there_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
from here
full outer join there
    on {% for group in by %}{{ 'and ' if not loop.first }}here.group_{{ loop.index }} = there.group_{{ loop.index }} {% endfor %}
where
    {%- for mine in totals %}
    {{ 'or ' if not loop.first }}coalesce(here.total_{{ loop.index }}, 0) != coalesce(there.total_{{ loop.index }}, 0)
    {%- endfor %}

{% endtest %}
