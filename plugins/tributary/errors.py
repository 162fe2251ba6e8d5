"""The exceptions that Tributary raises on purpose; every message says what to do next."""


class TributaryError(Exception):
    """Base of all errors that Tributary raises on purpose."""


class PermanentError(TributaryError):
    """An error that trying again does not mend: a task that raises it fails at once."""


class RegistryError(PermanentError):
    """The registry or a contract is not of the expected form.

    Says which file and key is wrong, which value was found and which form was expected.
    """


class StageMismatchError(PermanentError):
    """Two stages that must hold the same rows do not."""


class StagingTakenError(PermanentError):
    """The staging database holds the dump of another run than the one that wants to read it."""


class ImportRefusedError(PermanentError):
    """Cloud SQL ended an import with an error; the same dump will be refused again."""


class SyncError(TributaryError):
    """An Airbyte job ended without success."""
