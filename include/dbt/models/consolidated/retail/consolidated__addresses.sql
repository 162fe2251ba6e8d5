{{ config(alias='addresses', cluster_by=['_database', 'address_id']) }}

{{ consolidate('retail', mart='addresses') }}
