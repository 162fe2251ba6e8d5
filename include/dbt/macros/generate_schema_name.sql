{#
    The dataset of a model: the run's own (TRIBUTARY_DBT_DATASET) for the models that the run can build, those of its
    database's app (`app`; all apps' where the run does not say which), or the consolidated ones. The others keep the
    dataset of their configuration, so that no two models claim one table: apps may have tables of the same name, and
    so have the consolidated models.
#}
{% macro generate_schema_name(custom_schema_name, node) %}
    {%- set kind = node.fqn[1] -%}
    {%- set app = node.fqn[2] if kind == 'generated' else kind -%}
    {%- if kind == 'consolidated' -%}
        {%- set is_built = var('consolidate', none) is not none -%}
    {%- else -%}
        {%- set is_built = var('database', none) is not none and var('app', app) == app -%}
    {%- endif -%}
    {{- target.schema if is_built else custom_schema_name or target.schema -}}
{% endmacro %}
