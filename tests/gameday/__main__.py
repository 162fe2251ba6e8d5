"""`python -m tests.gameday`: five incidents on a running stack, and whether people were told what docs/gameday.md says.

Ends with 0 only when the messages of every incident were exactly those, in order.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.e2e.checkout import Checkout
from tests.gameday.documented import documented
from tests.gameday.incidents import INCIDENTS, Incident
from tests.gameday.pictures import Camera, camera
from tests.gameday.stage import HURT, Stage


def main() -> int:
    parser = argparse.ArgumentParser(prog="gameday", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"only these: {', '.join(one.name for one in INCIDENTS)}")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures (default: below .local/gameday)")
    parser.add_argument("--keep", action="store_true", help="leave the stack running, to look at")
    parser.add_argument("--stage", type=Path, help="folder of a stack that was kept, to play on")
    options = parser.parse_args()
    if options.stage:
        stage = Stage(Checkout(options.stage))
    else:
        print("Starting a stack of three databases, and loading their first day", flush=True)
        stage = Stage.open(ROOT / ".local" / "gameday" / str(int(time.time())))
    folder = stage.checkout.folder
    well = True
    try:
        airflow = stage.environment["TRIBUTARY_AIRFLOW_URL"]
        slack = f"http://127.0.0.1:{stage.environment['LOCALCLOUD_SLACK_PORT']}"
        with camera(airflow, slack, options.pictures or folder / "pictures") as taken:
            taken.login(stage.environment["TRIBUTARY_AIRFLOW_USER"], stage.environment["TRIBUTARY_AIRFLOW_PASSWORD"])
            assert options.stage or not stage.said(), "nothing is wrong yet, and Slack has messages"
            for incident in INCIDENTS:
                if not options.names or incident.name in options.names:
                    well = _play(stage, incident, taken) and well
        print(f"pictures: {taken.folder}")
    finally:
        if options.keep:
            print(f"The stack runs on, `make stop` in {folder} ends it: {stage.environment['TRIBUTARY_AIRFLOW_URL']}")
        else:
            stage.stop()
    return 0 if well else 1


def _play(stage: Stage, incident: Incident, taken: Camera) -> bool:
    """One incident; whether the messages were those that are documented."""
    print(f"\n{incident.name}: {incident.what}", flush=True)
    expected = documented(incident.name)
    before, begun = len(stage.said()), time.monotonic()

    def look() -> None:
        stage.heard(before, incident.told)
        taken.take(f"gameday-{incident.name}", taken.slack, element="main > article")
        if incident.page:
            taken.take(f"gameday-{incident.name}-page", taken.airflow + incident.page.format(hurt=HURT))

    incident.play(stage, look)
    said = [("↳ " if one.reply else "") + one.pattern for one in stage.heard(before, len(expected))]
    taken.take(f"gameday-{incident.name}-recovered", taken.slack, element="main > article")
    seconds = time.monotonic() - begun
    for line in said:
        print(f"  {line}")
    if said == expected:
        print(f"  as documented, {seconds:.0f} s", flush=True)
        return True
    print("  NOT as documented, which is:", *expected, sep="\n    ", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
