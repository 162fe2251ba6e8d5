"""What people are told: late runs, stale data and failed steps, each once, with what to do about it.

`watch` gathers facts, `lateness` and `failures` make findings of them, `incidents` decides what is
told about them, `messages` words it and `slack` delivers it.
"""
