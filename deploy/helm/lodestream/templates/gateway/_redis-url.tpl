{{/* The password comes from the environment, so that it is in no ConfigMap and in no manifest. */}}
{{- define "lodestream.redisUrl" -}}
{{- $password := ternary ":$(REDIS_PASSWORD)@" "" (ne (include "lodestream.redisSecret" .) "") -}}
{{- with .Values.externalRedis -}}
{{- if .host -}}
{{- $user := ternary .username "" (ne $password "") -}}
{{- printf "%s://%s%s%s:%d" (ternary "rediss" "redis" .tls) $user $password .host (int .port) -}}
{{- else -}}
{{- printf "redis://%s%s-redis:6379" $password (include "lodestream.fullname" $) -}}
{{- end -}}
{{- end -}}
{{- end -}}
