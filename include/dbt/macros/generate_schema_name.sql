{#
    The dataset of a model: the run's own (TRIBUTARY_DBT_DATASET) for the kind of models that the run builds.
    The project has two kinds with the same table names, those of a database and the consolidated ones; the
    other kind keeps the dataset of dbt_project.yml, so that no two models claim one table.
#}
{% macro generate_schema_name(custom_schema_name, node) %}
    {%- set variable = 'consolidate' if node.fqn[1] == 'consolidated' else 'database' -%}
    {{- target.schema if var(variable, none) is not none else custom_schema_name or target.schema -}}
{% endmacro %}
