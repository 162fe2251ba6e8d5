"""``python -m localcloud.slack``: serve until SIGTERM or SIGINT."""

from localcloud.serve import serve
from localcloud.settings import number, state_dir, text
from localcloud.slack.api import create_app
from localcloud.slack.store import Store

if __name__ == "__main__":
    channels = [name.strip().removeprefix("#") for name in text("LOCALCLOUD_SLACK_CHANNELS", "data-alerts").split(",")]
    store = Store(state_dir() / "slack.db", [name for name in channels if name])
    serve(create_app(store, text("LOCALCLOUD_SLACK_TOKEN")), number("LOCALCLOUD_SLACK_PORT"))
