"""The data dictionary: what every dataset and table is, column by column, for who has never seen the repository.

`building` makes it from the registry, the contracts, the suites, dbt's manifest and the SQL of `ops`: definitions
alone, no row is ever read. `pages` draws it; `site` writes the pages as a folder, and `tributary.ui` shows the same
ones inside Airflow. Nothing here imports Airflow or asks anything over a network.
"""
