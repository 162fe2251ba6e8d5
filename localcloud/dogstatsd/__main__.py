"""``python -m localcloud.dogstatsd``: serve until SIGTERM or SIGINT."""

from localcloud.dogstatsd.app import create_app
from localcloud.serve import serve
from localcloud.settings import number

if __name__ == "__main__":
    port = number("LOCALCLOUD_DOGSTATSD_PORT")
    serve(create_app(port), port)
