# What the compose file asks of the image `redis`, for machines that can fetch none.
# checkov:skip=CKV_DOCKER_2: the compose file has a check of its own, as for the official image
# checkov:skip=CKV_DOCKER_7: the base that the tests have made
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update --quiet=2 \
    && apt-get install --yes --quiet=2 --no-install-recommends redis-server >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o redis -g redis -m 0750 /data
WORKDIR /data
USER redis
CMD ["redis-server"]
