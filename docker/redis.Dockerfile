# Debian's Redis without a disk, for what the gateways may lose. The chart sets memory and password.
# Built by `npm run images`, or in a clean checkout by `docker build -f docker/redis.Dockerfile .`. Never writes to its root.
ARG BUILD_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN ["node", "tools/images/assemble.mjs", "redis"]

FROM scratch
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="redis" \
      org.opencontainers.image.description="Redis for Lodestream's gateways: nothing is kept" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="BSD-3-Clause"
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /owned /
ENV PATH=/usr/bin
USER 10001:10001
WORKDIR /tmp
EXPOSE 6379
HEALTHCHECK --interval=30s --timeout=5s CMD ["redis-cli", "ping"]
ENTRYPOINT ["tini", "--", "redis-server", "--save", "", "--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]
