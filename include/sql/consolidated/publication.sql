-- What is about to be published from this dataset; the transaction moves it to ops.published.
create or replace table `$dataset`.`$table` as
select
    json_value(@publication, '$$.version') as version,
    json_value(@publication, '$$.run_id') as run_id,
    cast(json_value(@publication, '$$.day') as date) as day,
    json_value(@publication, '$$.as_of') as as_of,
    json_value(@publication, '$$.tables') as tables,
    cast(json_value(@publication, '$$.row_count') as int64) as row_count,
    json_value(@publication, '$$.kind') as kind,
    json_value(@publication, '$$.published_by') as published_by,
    json_value(@publication, '$$.why') as why
