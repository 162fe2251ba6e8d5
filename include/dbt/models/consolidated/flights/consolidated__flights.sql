{{ config(alias='flights', cluster_by=['_database', 'flight_id']) }}

{{ consolidate('flights', mart='flights') }}
