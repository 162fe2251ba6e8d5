{# A time of day from a number HHMM, as the flights data writes it; 2400 is midnight, as 0 is. #}
{% macro time_of_hhmm(column) -%}
    time(div(mod({{ column }}, 2400), 100), mod({{ column }}, 100), 0)
{%- endmacro %}
