"""Google's analyzer of GoogleSQL, the package `zetasql`: WebAssembly that runs in this process, once in each thread.

What one thread asks does not hold up the others: Python waits without its lock for what WebAssembly does.
"""

from __future__ import annotations

import fcntl
import threading
from typing import Any

from zetasql import types as z
from zetasql.core import wasm_client
from zetasql.core.local_service import ZetaSqlLocalService

from tests.support.services import ROOT

_of_thread = threading.local()
_starting = threading.Lock()


def service() -> ZetaSqlLocalService:
    """This thread's. The first one on a machine is compiled for a quarter of a minute, the next come from a cache."""
    if not hasattr(_of_thread, "service"):
        _of_thread.service = _started()
    started: ZetaSqlLocalService = _of_thread.service
    return started


def analyze(**request: Any) -> Any:
    """The analyzer's answer as it comes: to make objects of all of it takes as long as the analysis.

    Raises ServerError where it refuses what it is asked.
    """
    asked = z.AnalyzeRequest(**request).to_proto()
    return service().wasm_client.call_grpc_func("ZetaSqlLocalService_Analyze", asked, z.AnalyzeResponse._PROTO_CLASS)


def _started() -> ZetaSqlLocalService:
    folder = ROOT / ".local" / "googlesql"
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "cache.toml"
    make_config = wasm_client.Config

    def config_with_cache() -> Any:
        config = make_config()
        config.cache = str(settings)
        return config

    # Several processes of tests, and threads of each, may want to compile it at once.
    with _starting, (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings.write_text(f'[cache]\ndirectory = "{folder}"\n')
        wasm_client.Config = config_with_cache
        try:
            return ZetaSqlLocalService()
        finally:
            wasm_client.Config = make_config
