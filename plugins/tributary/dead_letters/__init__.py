"""Dead letters: one record for each step that failed for good, and the way back from it.

The truth is one small object per database, dump date and step in the dumps' bucket (`bucket`). A
record that cannot get there waits in a folder on this machine (`spool`). `ops.dead_letters` is a
copy for reading. docs/dead-letters.md tells it from the outside.
"""
