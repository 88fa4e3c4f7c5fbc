# One probe or one run of ffmpeg. Started by the gateway, with the job in the environment.
# Built by `npm run images`, or in a clean checkout by `docker build -f docker/transcoder.Dockerfile .`. Never writes to its root.
ARG BUILD_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN ["node", "tools/images/assemble.mjs", "transcoder"]

FROM scratch
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="transcoder" \
      org.opencontainers.image.description="Lodestream's transcoder: one ffprobe, or one ffmpeg that makes segments" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-or-later"
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /owned /
ENV PATH=/usr/bin NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
USER 10001:10001
WORKDIR /tmp
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "/app/healthcheck.mjs"]
# The flags are those of a child process (services/gateway/src/workloads/local/child-command.ts); a test compares.
ENTRYPOINT ["tini", "--", "node", "--max-old-space-size=192", "--max-semi-space-size=2", "--no-warnings", "/app/services/transcoder/src/main.ts"]
