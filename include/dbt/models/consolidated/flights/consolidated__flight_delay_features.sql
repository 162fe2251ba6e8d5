{{ config(alias='flight_delay_features', cluster_by=['_database', 'flight_id']) }}

{{ consolidate('flights', mart='flight_delay_features') }}
