"""Faults on request."""

from __future__ import annotations

import pytest

from localcloud.faults import Fault, Faults


def test_an_order_is_used_up() -> None:
    faults = Faults(("delay", "hang"))
    faults.add(Fault(kind="delay", count=2))

    assert faults.take("hang") is None
    assert [faults.take("delay") is not None for _ in range(3)] == [True, True, False]


def test_the_oldest_order_that_matches_is_served() -> None:
    faults = Faults(("stream_failed",))
    for stream in ("a", "b"):
        faults.add(Fault(kind="stream_failed", stream=stream))

    taken = faults.take("stream_failed", lambda fault: fault.stream == "b")

    assert taken is not None
    assert (taken.stream, [fault.stream for fault in faults.pending()]) == ("b", ["a"])
    faults.clear()
    assert faults.pending() == []


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of delay, found 'hang'"):
        Faults(("delay",)).add(Fault(kind="hang"))
