"""The scripts of deploy/ import each other from their own folder, as they do where nothing else is installed."""

from __future__ import annotations

import sys
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
sys.path.insert(0, str(DEPLOY))
