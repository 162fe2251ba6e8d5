# What the compose file asks of the image `postgres`, for machines that can fetch none.
# checkov:skip=CKV_DOCKER_2: the compose file has a check of its own, as for the official image
# checkov:skip=CKV_DOCKER_7: the base that the tests have made
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update --quiet=2 \
    && apt-get install --yes --quiet=2 --no-install-recommends postgresql-common >/dev/null \
    && echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf \
    && apt-get install --yes --quiet=2 --no-install-recommends postgresql >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ \
    && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data \
    # As in the official image: a tmpfs that is mounted there takes this mode, and root as its owner.
    && chmod 3777 /var/run/postgresql
COPY postgres-entrypoint /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data
USER postgres
ENTRYPOINT ["postgres-entrypoint"]
CMD ["postgres"]
