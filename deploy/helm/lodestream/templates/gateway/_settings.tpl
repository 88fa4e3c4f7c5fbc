{{/* The gateway's settings, as docs/operations.md has them. A value that is null is left to the gateway. */}}
{{- define "lodestream.settings" -}}
LODESTREAM_HOST: 0.0.0.0
LODESTREAM_PORT: '8080'
LODESTREAM_INTERNAL_HOST: 0.0.0.0
LODESTREAM_INTERNAL_PORT: '8081'
LODESTREAM_PUBLIC_URL: {{ include "lodestream.publicUrls" . | quote }}
LODESTREAM_TRUSTED_PROXIES: {{ join "," .Values.trustedProxies | quote }}
LODESTREAM_DATA_DIR: /data
LODESTREAM_CACHE_TTL_SECONDS: {{ .Values.cacheTtlSeconds | quote }}
LODESTREAM_CLIENT_LIMITS: {{ .Values.clientLimits | quote }}
LODESTREAM_DRAIN_SECONDS: {{ .Values.gateway.drainSeconds | quote }}
{{- with include "lodestream.denylist" . }}
LODESTREAM_DENYLIST_CONFIG_MAP: {{ $.Release.Namespace }}/{{ . }}
{{- end }}
{{- with .Values.denylist.url }}
LODESTREAM_DENYLIST_URL: {{ . | quote }}
LODESTREAM_DENYLIST_URL_SECONDS: {{ $.Values.denylist.urlSeconds | quote }}
{{- end }}
LODESTREAM_LOG_LEVEL: {{ .Values.logLevel }}
LODESTREAM_SEGMENT_CACHE_BYTES: {{ mul .Values.gateway.segmentCacheMiB 1048576 | quote }}
LODESTREAM_SEGMENT_SECONDS: {{ .Values.transcode.segmentSeconds | quote }}
LODESTREAM_FFMPEG_THREADS: {{ .Values.transcode.threads | quote }}
LODESTREAM_MAX_SLEEPING_RUNS: {{ .Values.transcode.maxSleepingRuns | quote }}
LODESTREAM_MAX_RUNS: {{ .Values.transcode.maxRuns | quote }}
{{- with .Values.transcode.runSegments }}
LODESTREAM_RUN_SEGMENTS: {{ . | quote }}
{{- end }}
{{- with .Values.transcode.slots }}
LODESTREAM_ENCODE_SLOTS: {{ . | quote }}
{{- end }}
LODESTREAM_MAX_TORRENTS: {{ .Values.torrents.max | quote }}
LODESTREAM_DHT: {{ .Values.torrents.dht | quote }}
{{- if not (kindIs "invalid" .Values.torrents.dhtBootstrap) }}
LODESTREAM_DHT_BOOTSTRAP: {{ join "," .Values.torrents.dhtBootstrap | quote }}
{{- end }}
{{- if not (kindIs "invalid" .Values.torrents.trackers) }}
LODESTREAM_TRACKERS: {{ join "," .Values.torrents.trackers | quote }}
{{- end }}
LODESTREAM_UPLOAD_BYTES_PER_SECOND: {{ int64 .Values.torrents.uploadBytesPerSecond | quote }}
LODESTREAM_ALLOWED_PRIVATE_NETWORKS: {{ join "," .Values.torrents.allowedPrivateNetworks | quote }}
{{ include "lodestream.kubernetesSettings" . }}
{{- end -}}
