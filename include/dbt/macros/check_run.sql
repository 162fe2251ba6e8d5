{#
    Runs before anything is built (`on-run-start`): raises unless this run's variables fit the selected models
    and raw holds the dump that the run is for. Raw has one state, the dump that was synced last: without this
    check, a run that is cleared later would file the rows of another day under its own date.
#}
{% macro check_run() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set folders = [] -%}
        {%- for id in selected_resources if id.startswith('model.') -%}
            {%- do folders.append(graph.nodes[id].fqn[1]) -%}
        {%- endfor -%}
        {%- set consolidated = folders | select('equalto', 'consolidated') | list | length -%}
        {%- if consolidated and consolidated < folders | length -%}
            {{ exceptions.raise_compiler_error(
                "Selected are models of a database and consolidated ones: expected one kind in a run. "
                ~ "Use `--select tag:<app>` or `--select tag:consolidated`."
            ) }}
        {%- elif consolidated -%}
            {%- do check_consolidation() -%}
        {%- elif folders -%}
            {%- do check_database_run() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro check_consolidation() %}
    {%- if not var('consolidate', false) or as_of() is not mapping or apps() is not mapping -%}
        {{ exceptions.raise_compiler_error(
            "A consolidation needs `--vars '{consolidate: true}'`, and in the environment TRIBUTARY_AS_OF "
            ~ "(database: dump date) and TRIBUTARY_APPS (app: its databases), both JSON."
        ) }}
    {%- endif -%}
    {%- set known = apps().values() | sum(start=[]) -%}
    {%- for database in as_of() if database not in known -%}
        {{ exceptions.raise_compiler_error(
            "as_of." ~ database ~ ": expected a database of `apps`, which lists " ~ known | join(', ') ~ "."
        ) }}
    {%- endfor -%}
{% endmacro %}


{% macro check_database_run() %}
    {%- if var('database', none) is none or not run_variable('TRIBUTARY_DUMP_DATE') -%}
        {{ exceptions.raise_compiler_error(
            "Models of a database need `--vars '{database: <db>}'`, and in the environment TRIBUTARY_DUMP_DATE."
        ) }}
    {%- endif -%}
    {%- set database = checked_database(var('database'), 'database') -%}
    {%- if target.schema != database -%}
        {{ exceptions.raise_compiler_error(
            "This run is for " ~ database ~ " and would write to dataset " ~ target.schema
            ~ ". Set TRIBUTARY_DBT_DATASET=" ~ database ~ "."
        ) }}
    {%- endif -%}
    {%- do check_raw_holds_dump(database, checked_date(run_variable('TRIBUTARY_DUMP_DATE'), 'TRIBUTARY_DUMP_DATE')) -%}
{% endmacro %}


{% macro check_raw_holds_dump(database, dump_date) %}
    {%- set raw = 'raw__' ~ database -%}
    {# Written by the sync, so no node of the project that ref() or source() could name. #}
    {%- set load = adapter.get_relation(target.database, raw, '_tributary_load') -%}
    {%- set again = "Clear import_dump and what follows to load this run's dump again." -%}
    {%- if load is none -%}
        {{ exceptions.raise_compiler_error(
            raw ~ "._tributary_load does not exist: expected the sync to say there which dump "
            ~ raw ~ " holds. " ~ again
        ) }}
    {%- endif -%}
    {%- set rows = run_query('select `database`, dump_date from ' ~ load).rows -%}
    {%- if rows | length != 1 or rows[0][0] != database -%}
        {{ exceptions.raise_compiler_error(
            raw ~ "._tributary_load: expected one row for " ~ database ~ ", found " ~ rows | length
            ~ (" for " ~ rows | map(attribute=0) | join(', ') if rows else "") ~ ". " ~ again
        ) }}
    {%- endif -%}
    {%- if rows[0][1] | string != dump_date -%}
        {{ exceptions.raise_compiler_error(
            raw ~ " holds the dump of " ~ rows[0][1] ~ ", this run is for " ~ dump_date ~ ". " ~ again
        ) }}
    {%- endif -%}
{% endmacro %}
