"""What Tributary tells of itself while it runs: metrics for DogStatsD."""
