#!/usr/bin/env bash
# The main job with the bare tools, two databases at a time: mariadb's client, a bulk mover, dbt, Great Expectations.
# One process of Python for each of the two cores' databases.
# No scheduler, no retry, no ledger, no lineage: what orchestration costs on top is measured against this.
# usage: benchmarks/bare/day.sh DAY DATABASE ...   with the environment of a running stack
set -euo pipefail
day="$1"
shift
cd "$(dirname "$(readlink -f "$0")")/../.."
python=".local/envs/airflow/bin/python"
export PYTHONPATH=plugins:.
printf '%s\n' "$@" | xargs --max-procs=2 --max-args=$((($# + 1) / 2)) "$python" -m benchmarks.bare.database "$day"
"$python" -m benchmarks.bare.consolidated "$day" "$@"
