"""Production databases that live: writes MySQL day by day and leaves the nightly dumps in the bucket.

For development, tests and the demo. Time is simulated: the first day is 2013-01-01, and the same seed, scale
and days give the same bytes.
"""
