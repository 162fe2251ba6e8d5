"""The Airflow DAG that publishes all databases together."""

from tributary.pipeline import build_consolidate_dag
from tributary.registry import load_registry

dag = build_consolidate_dag(load_registry())
