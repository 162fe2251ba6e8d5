"""``python -m localcloud.airbyte``: serve until SIGTERM or SIGINT."""

from localcloud.airbyte.app import create_app
from localcloud.airbyte.config import Config
from localcloud.serve import serve
from localcloud.settings import number

if __name__ == "__main__":
    serve(create_app(Config.from_environment()), number("LOCALCLOUD_AIRBYTE_PORT"))
