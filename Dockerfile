# What each part is for, what it weighs and how to build behind a proxy: docs/compose.md.
# checkov:skip=CKV_DOCKER_7: the tag is the argument's, and each stage after the first is built from one here
ARG BASE_IMAGE=debian:bookworm-slim

# checkov:skip=CKV_DOCKER_7: the base has a tag in its argument's default
# Debian with what runs: Python, and the client library that mysqlclient is linked with.
# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS base
SHELL ["/bin/bash", "-o", "errexit", "-o", "pipefail", "-c"]
# Versions are Debian's stable ones, with their security updates: pinning them would keep these out.
# hadolint ignore=DL3008
RUN apt-get update --quiet=2 \
    && apt-get install --yes --quiet=2 --no-install-recommends ca-certificates libmariadb3 python3 >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
ENV LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1

# Compilers and the installer; nothing of them is in what runs.
FROM base AS build
# Nor do its package lists reach it.
# hadolint ignore=DL3008,DL3009
RUN apt-get update --quiet=2 \
    && apt-get install --yes --quiet=2 --no-install-recommends \
        gcc libc6-dev libmariadb-dev pkg-config python3-dev python3-venv >/dev/null \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements/uv.txt requirements/uv.txt
# `ca_bundle`: certificates of a proxy that opens TLS, where there is one; a secret, so that no layer keeps it.
RUN --mount=type=secret,id=ca_bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/root/.cache \
    python3 -m venv /build/uv \
    && /build/uv/bin/pip install --quiet --disable-pip-version-check \
        --cert /etc/ssl/certs/ca-certificates.crt --require-hashes --requirement requirements/uv.txt
# A file system that nobody can write to takes no bytecode later, and every task is a process of its own.
ENV UV_COMPILE_BYTECODE=1 \
    UV_COMPILE_BYTECODE_TIMEOUT=0 \
    UV_HTTP_TIMEOUT=300 \
    UV_LINK_MODE=copy \
    UV_NO_CONFIG=1 \
    UV_PYTHON_DOWNLOADS=never \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

FROM build AS airflow-env
COPY requirements.txt .
RUN --mount=type=secret,id=ca_bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/root/.cache \
    /build/uv/bin/uv venv --quiet --python /usr/bin/python3 /opt/tributary/envs/airflow \
    && /build/uv/bin/uv pip sync --quiet --require-hashes --python /opt/tributary/envs/airflow/bin/python \
        requirements.txt

# dbt-bigquery and the Google provider want different versions of google-cloud-storage.
FROM build AS dbt-env
COPY requirements/dbt.txt .
RUN --mount=type=secret,id=ca_bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/root/.cache \
    /build/uv/bin/uv venv --quiet --python /usr/bin/python3 /opt/tributary/envs/dbt \
    && /build/uv/bin/uv pip sync --quiet --require-hashes --python /opt/tributary/envs/dbt/bin/python dbt.txt

# The manifest that the DAGs are made from, and dbt's pages. Needs no warehouse: the project's name is never asked.
FROM base AS project
COPY --from=dbt-env /opt/tributary/envs/dbt /opt/tributary/envs/dbt
WORKDIR /opt/tributary
COPY include include
COPY stack/dbt-artifacts stack/dbt-artifacts
RUN GOOGLE_CLOUD_PROJECT=none DO_NOT_TRACK=1 stack/dbt-artifacts /opt/tributary/envs/dbt/bin/dbt \
    && rm -rf stack include/dbt/logs include/dbt/.user.yml
COPY dags dags
COPY plugins plugins
RUN python3 -m compileall -q dags plugins
COPY deploy deploy
COPY docker-compose.yaml deploy/

FROM base AS runtime
RUN groupadd --gid 50000 tributary \
    && useradd --uid 50000 --gid 50000 --no-create-home --home-dir /var/lib/tributary --shell /usr/sbin/nologin tributary \
    && install -d -o tributary -g tributary -m 0750 /var/lib/tributary /var/log/tributary \
    && printf '#!/bin/sh\nexec /opt/tributary/envs/airflow/bin/python -m tributary.cli "$@"\n' >/usr/local/bin/tributary \
    && chmod 755 /usr/local/bin/tributary
WORKDIR /opt/tributary
COPY --from=dbt-env /opt/tributary/envs/dbt envs/dbt
COPY --from=airflow-env /opt/tributary/envs/airflow envs/airflow
COPY --from=project /opt/tributary/plugins plugins
COPY --from=project /opt/tributary/deploy deploy
COPY --from=project /opt/tributary/dags dags
COPY --from=project /opt/tributary/include include
ENV AIRFLOW_CONFIG=/opt/tributary/deploy/airflow.cfg \
    AIRFLOW_HOME=/var/lib/tributary \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    HOME=/var/lib/tributary \
    PATH=/opt/tributary/envs/airflow/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/tributary/plugins:/opt/tributary \
    TRIBUTARY_DBT_EXECUTABLE=/opt/tributary/envs/dbt/bin/dbt
USER 50000:50000
# What is healthy differs by service: TRIBUTARY_SERVICE names it.
HEALTHCHECK --interval=30s --timeout=20s --start-period=3m --retries=3 CMD ["/opt/tributary/deploy/health"]
CMD ["airflow", "version"]

# The same, with the local cloud and its simulator: for the demo and for tests, never for production.
FROM build AS localcloud-env
COPY requirements/localcloud.txt .
RUN --mount=type=secret,id=ca_bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/root/.cache \
    /build/uv/bin/uv venv --quiet --python /usr/bin/python3 /opt/tributary/envs/localcloud \
    && /build/uv/bin/uv pip sync --quiet --require-hashes --python /opt/tributary/envs/localcloud/bin/python \
        localcloud.txt

FROM runtime AS localcloud
USER 0
# hadolint ignore=DL3008
RUN apt-get update --quiet=2 \
    && apt-get install --yes --quiet=2 --no-install-recommends mariadb-client mariadb-server >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/lib/mysql \
    && install -d -o tributary -g tributary -m 0750 /var/lib/localcloud
COPY --from=localcloud-env /opt/tributary/envs/localcloud /opt/tributary/envs/localcloud
COPY localcloud localcloud
COPY simulator simulator
ENV LOCALCLOUD_STATE_DIR=/var/lib/localcloud \
    PATH=/opt/tributary/envs/localcloud/bin:/usr/local/bin:/usr/bin:/bin
USER 50000:50000
LABEL org.opencontainers.image.title="Tributary's local cloud" \
      org.opencontainers.image.description="Stand-ins for Google's and Airbyte's services: for the demo, never for production."

# The last stage is the one that is built unless another is asked for.
FROM runtime AS tributary
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
ENV DD_VERSION=${VERSION}
LABEL org.opencontainers.image.title="Tributary" \
      org.opencontainers.image.description="Every production MySQL database, one trusted BigQuery dataset." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
