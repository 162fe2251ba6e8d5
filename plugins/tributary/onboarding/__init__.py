"""From a dump that nobody prepared for to a contract: what is in it, what it may hold of people, what it should be."""
