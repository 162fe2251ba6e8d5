{#
    The variables of a run, checked. They come from the registry and from dates, and become part of SQL
    text and of dataset names: what does not look exactly as expected is refused.
#}

{% macro checked_date(value, name) %}
    {%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', value | string) -%}
        {{ exceptions.raise_compiler_error(name ~ ": expected a date of the form YYYY-MM-DD, found '" ~ value ~ "'.") }}
    {%- endif -%}
    {{- return(value | string) -}}
{% endmacro %}


{% macro checked_database(value, name) %}
    {%- if not modules.re.match('^[a-z][a-z0-9_]{0,62}$', value | string) -%}
        {{ exceptions.raise_compiler_error(
            name ~ ": expected a database of the registry (lower-case letters, digits, underscores), found '" ~ value ~ "'."
        ) }}
    {%- endif -%}
    {{- return(value | string) -}}
{% endmacro %}


{# The date of this run's dump as a SQL literal, for the column `_dump_date` and for reading one partition. #}
{% macro dump_date() %}
    {{- return("date '" ~ checked_date(var('dump_date', '1970-01-01'), 'dump_date') ~ "'") -}}
{% endmacro %}


{# By database, the day of the dump to take. Airflow's templates give text, so JSON text is a mapping, too. #}
{% macro as_of() %}
    {%- set value = var('as_of', none) -%}
    {{- return(fromjson(value) if value is string else value) -}}
{% endmacro %}


{# The databases of *app* that this consolidation takes, as a list of (database, dump date); may be empty. #}
{% macro databases_as_of(app) %}
    {%- set days = as_of() or {} -%}
    {%- set found = [] -%}
    {%- for database in var('apps', {}).get(app, []) if database in days -%}
        {%- do found.append((
            checked_database(database, 'apps.' ~ app),
            checked_date(days[database], 'as_of.' ~ database),
        )) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
