"""Datadog's agent, as far as DogStatsD goes: ``python -m localcloud.dogstatsd``.

Takes datagrams on UDP and shows on HTTP, on the same port number, what it has heard:

- ``GET /metrics``: JSON, one entry for each name, type and set of tags, and what could not be read;
- ``GET /``: the same as a page;
- ``DELETE /metrics``: forget it all.

The protocol is taken by the letter, so that what the real agent would drop is listed under ``malformed``. Nothing
leaves the machine. Environment: ``LOCALCLOUD_DOGSTATSD_PORT``.
https://docs.datadoghq.com/extend/dogstatsd/datagram_shell (protocol 1.0 to 1.5)
"""
