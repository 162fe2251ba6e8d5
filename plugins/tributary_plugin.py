"""What Tributary adds to Airflow. Every Airflow process imports this at its start: nothing heavy here."""

from airflow.plugins_manager import AirflowPlugin

from tributary.telemetry import listener


class TributaryPlugin(AirflowPlugin):
    """The listener that sends metrics."""

    name = "tributary"
    listeners = [listener]
