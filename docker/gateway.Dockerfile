# The gateway with the web app: the only door.
# Built by `npm run images`, or in a clean checkout by `docker build -f docker/gateway.Dockerfile .`. Never writes to its root.
ARG BUILD_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN ["node", "tools/images/assemble.mjs", "gateway"]

FROM scratch
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gateway" \
      org.opencontainers.image.description="Lodestream's gateway: public API, web app, playlists, workloads" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /owned /
ENV PATH=/usr/bin NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache \
    LODESTREAM_HOST=0.0.0.0 LODESTREAM_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8080 8081
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "/app/healthcheck.mjs"]
ENTRYPOINT ["tini", "--", "node", "--no-warnings", "/app/services/gateway/src/main.ts"]
