"""Runs the whole of Tributary on one machine: the local cloud and Airflow, under one process manager.

For development and the demo. Nothing under `dags/`, `plugins/` or `include/` imports it: all it
gives them is environment variables, the same ones that a deployment sets.
"""
