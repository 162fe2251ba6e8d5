"""What Tributary tells other systems about itself: metrics and lineage."""
