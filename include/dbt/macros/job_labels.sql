{#
    The labels of a node's jobs as JSON: those of the task that runs dbt (TRIBUTARY_JOB_LABELS, from
    plugins/tributary/job_labels.py), or of a person, and the node's name.
#}
{% macro job_labels(node) %}
    {%- set labels = fromjson(env_var('TRIBUTARY_JOB_LABELS', '{"tributary": "job", "step": "command"}')) -%}
    {%- if node -%}
        {%- do labels.update(model=node.name) -%}
    {%- endif -%}
    {{- return(tojson(labels)) -}}
{% endmacro %}
