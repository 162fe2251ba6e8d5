"""The exceptions that Tributary raises on purpose; every message says what to do next."""

from __future__ import annotations

from collections.abc import Sequence


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


class SchemaDriftError(PermanentError):
    """The dump's tables are not those that the contract describes, in a way that it does not allow."""


class PersonalDataError(PermanentError):
    """Personal columns cannot be copied as their contract says, so nothing is."""


class GuardError(PermanentError):
    """A dump's tables have fewer or more rows than their guards allow."""


class PublishHeldError(PermanentError):
    """A person has put publishing on hold."""


class OvertakenError(TributaryError):
    """Somebody else changed what a publish or rollback began with, most likely another run; it may be repeated."""


class PlanOutdatedError(PermanentError):
    """What `await_databases` decided no longer fits what there is (`found`); it has to decide again."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{found}. Nothing was published. Clear await_databases and what follows.")


class StagingTakenError(PermanentError):
    """The staging database holds the dump of another run than the one that wants to read it."""


class RawTakenError(PermanentError):
    """The raw dataset holds the dump of another run than the one that wants to read it, or no whole one."""


class ForgottenMeanwhileError(PermanentError):
    """Somebody asked to be forgotten while a run was under way, which may have read the rows before."""


class WaitedTooLongError(PermanentError):
    """What the task stepped back for did not come to its end."""


class ImportRefusedError(TributaryError):
    """Cloud SQL ended an import with an error; its words, in the message, say whether it may pass."""


class ImportTimeoutError(TributaryError):
    """An import did not end in time and was cancelled."""


class DumpReplacedError(PermanentError):
    """The object in the bucket is not the one that was chosen and checked."""


class SyncError(TributaryError):
    """An Airbyte job ended without success."""


class DbtError(TributaryError):
    """dbt ended with an error; `failures` has what it said, one text for each model or test."""

    def __init__(self, exit_code: int, failures: Sequence[str]) -> None:
        super().__init__(f"dbt ended with exit code {exit_code}: " + "\n".join(failures))
        self.exit_code = exit_code
        self.failures = tuple(failures)
