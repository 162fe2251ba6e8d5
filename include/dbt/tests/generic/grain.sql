{#
    The rows of a model are what its description says: *key* is unique and, but for the columns in *nullable*,
    never null; with *one_row_per* (a model), there are as many rows as there.
#}
{% test grain(model, key, nullable=[], one_row_per=none) %}

with keys as (
    select {{ key | join(', ') }} from {{ model }}
)

select
    to_json_string(struct({{ key | join(', ') }})) as found,
    concat(count(*), ' rows with this key') as problem
from keys
group by {{ key | join(', ') }}
having
    count(*) > 1
    {%- for column in key if column not in nullable %}
    or {{ column }} is null
    {%- endfor %}
{%- if one_row_per %}

union all

select
    concat(found.n, ' rows') as found,
    concat('expected ', expected.n, ', one for each of {{ one_row_per }}') as problem
from (select count(*) as n from keys) as found
cross join (select count(*) as n from {{ ref(one_row_per) }}) as expected
where found.n != expected.n
{%- endif %}

{% endtest %}
