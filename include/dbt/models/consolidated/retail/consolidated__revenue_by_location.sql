{{ config(alias='revenue_by_location', cluster_by=['_database', 'country', 'state', 'city']) }}

{{ consolidate('retail', mart='revenue_by_location') }}
