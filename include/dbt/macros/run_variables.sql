{#
    The variables of a run, checked. They come from the registry and from dates, and become part of SQL
    text and of dataset names: what does not look exactly as expected is refused.
#}

{#
    What differs from day to day comes from the environment, and is looked at when something is executed alone:
    dbt then goes on with what it has parsed for the same database before. For a `--vars` that differs, or an
    environment that parsing has looked at, it parses the whole project anew, which takes longer than most builds.
#}
{% macro run_variable(name) %}
    {{- return(env_var(name, '') if execute else '') -}}
{% endmacro %}

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
    {%- set value = run_variable('TRIBUTARY_DUMP_DATE') or '1970-01-01' -%}
    {{- return("date '" ~ checked_date(value, 'TRIBUTARY_DUMP_DATE') ~ "'") -}}
{% endmacro %}


{# By database, the day of the dump to take; none where the run says nothing that could be read. #}
{% macro as_of() %}
    {{- return(fromjson(run_variable('TRIBUTARY_AS_OF'), none)) -}}
{% endmacro %}


{# By app, its databases; none where the run says nothing that could be read. #}
{% macro apps() %}
    {{- return(fromjson(run_variable('TRIBUTARY_APPS'), none)) -}}
{% endmacro %}


{# The databases of *app* that this consolidation takes, as a list of (database, dump date); may be empty. #}
{% macro databases_as_of(app) %}
    {%- set days = as_of() or {} -%}
    {%- set found = [] -%}
    {%- for database in (apps() or {}).get(app, []) if database in days -%}
        {%- do found.append((
            checked_database(database, 'apps.' ~ app),
            checked_date(days[database], 'as_of.' ~ database),
        )) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
