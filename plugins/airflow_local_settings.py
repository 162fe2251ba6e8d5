"""Airflow imports this module by its name when a process starts.

The scheduler (with its LocalExecutor) and Celery's workers fork a process for every task. What
they have imported before the fork, no task imports again: see `tributary.preload`.
"""

import sys

if {"scheduler", "worker"} & set(sys.argv[1:3]):
    from tributary.preload import preload

    preload()
