"""What can be wrong with a dump, as one small family of exceptions.

Every message says what was expected, what was found, where, and what to do. None carries row contents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tributary.errors import PermanentError

if TYPE_CHECKING:
    from tributary.dumps.report import DumpReport


class DumpError(PermanentError):
    """A dump that must not be imported. Reading the same object again gives the same error."""


class DumpEmpty(DumpError):
    """The object holds no text: zero bytes, or a compressed file of nothing."""


class DumpTruncated(DumpError):
    """The compressed file ends before its own end mark: an upload or a dump that broke off."""


class DumpCorrupt(DumpError):
    """The compressed file contradicts its own check sum or structure."""


class DumpFormatUnsupported(DumpError):
    """The file is neither SQL text nor in a compression that is read."""


class DumpTooLarge(DumpError):
    """The text exceeds the bound on its size or on its ratio to the file: a bomb, or a bound that is too low."""


class DumpRefused(DumpError):
    """The dump was read to its end and its pre-flight report holds errors; `report` has all of them."""

    def __init__(self, report: DumpReport) -> None:
        errors = report.errors
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        of = f" of {report.expected_database!r}" if report.expected_database else ""
        super().__init__(
            f"expected a dump{of} that is whole and safe to import, found "
            f"{len(errors)} error(s): {'; '.join(str(error) for error in errors[:3])}{more}"
        )
        self.report = report
