# All of Lodestream for one machine: `docker run -p 8080:8080 -v lodestream:/data lodestream/lodestream`.
# Built by `npm run images`, or in a clean checkout by `docker build -f docker/lodestream.Dockerfile .`. Never writes to its root.
ARG BUILD_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN ["node", "tools/images/assemble.mjs", "lodestream"]

FROM scratch
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="lodestream" \
      org.opencontainers.image.description="Lodestream for one machine: paste a magnet, watch in the browser" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-or-later"
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /owned /
ENV PATH=/usr/bin NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache \
    LODESTREAM_HOST=0.0.0.0 LODESTREAM_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "/app/healthcheck.mjs"]
ENTRYPOINT ["tini", "--", "node", "--no-warnings", "/app/services/gateway/src/main.ts"]
