"""The processes of a stack that a benchmark has started, by the names that its supervisor has for them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from xmlrpc.client import ServerProxy

from psutil import NoSuchProcess

from benchmarks.measuring import trees
from tests.e2e.checkout import Checkout

# What is no part of the cloud that is stood in for: Airflow, and what looks after it.
AIRFLOW = ("watch", "scheduler", "dag-processor", "triggerer", "api-server")
DATABASE = "airflow_db"
# Until Airflow has done what it missed.
_SETTLED_SECONDS = 15.0


class Parts:
    """The stack's processes."""

    def __init__(self, checkout: Checkout) -> None:
        state = json.loads((checkout.folder / ".local" / "stack.json").read_text())
        url = f"http://stack:{state['secrets']['supervisor']}@127.0.0.1:{state['ports']['supervisor']}/RPC2"
        self._rpc: Any = ServerProxy(url).supervisor

    def pids(self) -> dict[str, int]:
        """By name, those that run."""
        return {one["name"]: one["pid"] for one in self._rpc.getAllProcessInfo() if one["pid"]}

    def cloud(self) -> list[int]:
        """The local cloud's."""
        return [pid for name, pid in self.pids().items() if name not in (*AIRFLOW, DATABASE)]

    @contextmanager
    def without_airflow(self) -> Iterator[list[int]]:
        """Stop Airflow's processes where they are, and let them go on afterwards; gives those of the local cloud.

        So bare tools neither share the cores with it nor are charged for what it does by itself.
        """
        pids = self.pids()
        stopped = trees(pids[name] for name in AIRFLOW).values()
        for process in stopped:
            with suppress(NoSuchProcess):  # one that was about to end
                process.suspend()
        try:
            yield self.cloud()
        finally:
            for process in stopped:
                with suppress(NoSuchProcess):
                    process.resume()
            time.sleep(_SETTLED_SECONDS)

    @contextmanager
    def whole(self) -> Iterator[list[int]]:
        """Gives all processes."""
        yield list(self.pids().values())

    def around(self, bare: Iterable[str]) -> Any:
        """What surrounds a way: Airflow is stopped for those that are bare."""
        names = frozenset(bare)
        return lambda way: self.without_airflow() if way in names else self.whole()
