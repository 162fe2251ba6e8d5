"""Airflow imports this module by its name when a process starts.

The scheduler (with its LocalExecutor) and Celery's workers fork a process for every task, the DAG processor one for
every look at a file. What they have imported before the fork, none of these imports again: see `tributary.preload`; nor
does dbt, which has a server of its own for that.
"""

import sys
from multiprocessing import parent_process

from airflow.configuration import conf

from tributary.preload import look_for_garbage_less_often

look_for_garbage_less_often()
command, options = set(sys.argv[1:3]), set(sys.argv[1:])
if options & {"-h", "--help"}:
    pass
elif "worker" in command or ("scheduler" in command and "LocalExecutor" in conf.get("core", "executor")):
    from tributary.dbt_process import start_server
    from tributary.preload import OF_TASKS, preload

    # The file that it is asked through is closed in a daemon; a process that was not forked would have one each.
    if not options & {"-D", "--daemon"} and not parent_process():
        start_server()
    preload(OF_TASKS)
elif "dag-processor" in command:
    from tributary.preload import OF_FILES, leave_garbage_to_the_end, preload

    preload(OF_FILES)
    leave_garbage_to_the_end()
