"""``python -m localcloud.sqladmin``: serve until SIGTERM or SIGINT."""

from localcloud.serve import serve
from localcloud.settings import number
from localcloud.sqladmin.app import create_app
from localcloud.sqladmin.config import Config

if __name__ == "__main__":
    serve(create_app(Config.from_environment()), number("LOCALCLOUD_SQLADMIN_PORT"))
