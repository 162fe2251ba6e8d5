"""Airflow imports this module by its name when a process starts.

The scheduler (with its LocalExecutor) and Celery's workers fork a process for every task, the DAG processor one for
every look at a file. What they have imported before the fork, none of these imports again: see `tributary.preload`; nor
does dbt, which has a server of its own for that.
"""

import sys

command = set(sys.argv[1:3])
if command & {"scheduler", "worker"}:
    from tributary.dbt_process import start_server
    from tributary.preload import OF_TASKS, preload

    start_server()
    preload(OF_TASKS)
elif "dag-processor" in command:
    from tributary.preload import OF_FILES, preload

    preload(OF_FILES)
