"""Hooks: the providers' own, each with the one thing that is missing added."""
