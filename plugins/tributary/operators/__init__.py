"""The steps of a load, one operator a file."""
