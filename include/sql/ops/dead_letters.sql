-- One row per step that failed for good, in its newest state; not closed are those open or replaying.
create view if not exists ops.dead_letters as
select
    id,
    status,
    subject,
    database,
    dump_date,
    task_id,
    dag_id,
    run_id,
    dump_uri,
    dump_generation,
    reason,
    code,
    message,
    kind,
    cause,
    service,
    advice,
    tries,
    first_failed_at,
    last_failed_at,
    log_url,
    outcome,
    replayed_by,
    resolved_by,
    why,
    changed_at,
    updated_at,
    replay
from ops.dead_letters_log
where true
qualify row_number() over (partition by id order by updated_at desc, recorded_at desc) = 1
