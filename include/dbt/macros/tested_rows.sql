{#
    The condition on the rows that a test looks at, its own `where`, with the date of the run's dump as a literal in
    the place of `__dump_date__`; empty where it looks at all. A date in the configuration itself would have dbt parse
    the project for each day.
#}
{% macro tested_rows() %}
    {{- return((config.get('where') or '') | replace('__dump_date__', dump_date())) -}}
{% endmacro %}


{# Those rows: dbt's extension point of that name. https://docs.getdbt.com/reference/resource-configs/where #}
{% macro get_where_subquery(relation) %}
    {%- set condition = tested_rows() -%}
    {{- return('(select * from ' ~ relation ~ ' where ' ~ condition ~ ') dbt_subquery' if condition else relation) -}}
{% endmacro %}
