{{/* Names. Everything is named after the release, so that two of them can share a namespace. */}}
{{- define "lodestream.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Where the workloads' pods run. */}}
{{- define "lodestream.workloadsNamespace" -}}
{{- default .Release.Namespace .Values.workloads.namespace -}}
{{- end -}}

{{- define "lodestream.serviceAccount" -}}
{{- default (include "lodestream.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "lodestream.secret" -}}
{{- default (include "lodestream.fullname" .) .Values.secret.existingSecret -}}
{{- end -}}

{{- define "lodestream.redisSecret" -}}
{{- if .Values.externalRedis.host -}}
{{- .Values.externalRedis.existingSecret -}}
{{- else -}}
{{- default (printf "%s-redis" (include "lodestream.fullname" .)) .Values.redis.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* The bundled Redis runs unless an external one is named. */}}
{{- define "lodestream.hasRedis" -}}
{{- if and .Values.redis.enabled (not .Values.externalRedis.host) -}}true{{- end -}}
{{- end -}}

{{/* The names that the gateway answers to, beside loopback and its own address. */}}
{{- define "lodestream.publicUrls" -}}
{{- $name := include "lodestream.fullname" . -}}
{{- $inside := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.%s" $name .Release.Namespace .Values.global.clusterDomain) -}}
{{- $urls := .Values.publicUrls -}}
{{- if .Values.ingress.enabled }}{{ range .Values.ingress.hosts }}{{ $urls = append $urls (printf "https://%s" .) }}{{ end }}{{ end -}}
{{- if .Values.gatewayApi.enabled }}{{ range .Values.gatewayApi.hostnames }}{{ $urls = append $urls (printf "https://%s" .) }}{{ end }}{{ end -}}
{{- range $inside }}{{ $urls = append $urls (printf "http://%s" .) }}{{ end -}}
{{- $urls | uniq | join "," -}}
{{- end -}}

{{/* The ConfigMap of what may not be opened; empty: none. */}}
{{- define "lodestream.denylist" -}}
{{- if .Values.denylist.existingConfigMap -}}
{{- .Values.denylist.existingConfigMap -}}
{{- else if .Values.denylist.lines -}}
{{- printf "%s-denylist" (include "lodestream.fullname" .) -}}
{{- end -}}
{{- end -}}
