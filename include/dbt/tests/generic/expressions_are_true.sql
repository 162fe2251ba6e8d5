{# Each of *expressions* holds for each row; an expression that is null does not hold. #}
{% test expressions_are_true(model, expressions) %}

select * from {{ model }}
where
    not (
        {%- for expression in expressions %}
        {{ 'and ' if not loop.first }}coalesce({{ expression }}, false)
        {%- endfor %}
    )

{% endtest %}
