"""What the simulator can say no to; each message tells what was expected, what was found and what to do."""


class SimulatorError(Exception):
    """Base of the simulator's errors; the command line prints the message and exits with status 1."""


class SettingsError(SimulatorError):
    """An environment variable is missing or malformed."""


class RequestError(SimulatorError):
    """The command asks for something that cannot be: an unknown database, a day that has passed, ..."""


class ServerAwayError(SimulatorError):
    """The production server or the bucket does not answer, or refuses us."""


class DumpError(SimulatorError):
    """The dump program failed; nothing was left in the bucket."""
