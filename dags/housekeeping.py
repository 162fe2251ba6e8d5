"""The Airflow DAG that looks after the others."""

from tributary.pipeline import build_housekeeping_dag
from tributary.registry import load_registry

dag = build_housekeeping_dag(load_registry())
