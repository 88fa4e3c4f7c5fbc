{{/* How the gateway starts pods. */}}
{{- define "lodestream.kubernetesSettings" -}}
LODESTREAM_ORCHESTRATOR: kubernetes
LODESTREAM_KUBERNETES_NAMESPACE: {{ include "lodestream.workloadsNamespace" . }}
LODESTREAM_KUBERNETES_INSTANCE: {{ .Release.Name }}
LODESTREAM_KUBERNETES_OWNER: {{ include "lodestream.fullname" . }}-owner
LODESTREAM_KUBERNETES_DOWNLOADER: {{ include "lodestream.podSettings" (dict "root" $ "values" .Values.workloads.downloader) | fromYaml | toJson | quote }}
LODESTREAM_KUBERNETES_TRANSCODER: {{ include "lodestream.podSettings" (dict "root" $ "values" .Values.workloads.transcoder) | fromYaml | toJson | quote }}
{{- end -}}

{{/* What all pods of a kind have in common. */}}
{{- define "lodestream.podSettings" -}}
image: {{ include "lodestream.image" (dict "root" .root "image" .values.image) | quote }}
imagePullPolicy: {{ .values.image.pullPolicy }}
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- if .root.Values.serviceAccount.create }}
serviceAccountName: {{ include "lodestream.fullname" .root }}-workloads
{{- end }}
{{- with include "lodestream.priorityClass" (dict "root" .root "values" .values "class" "workload") }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- range $key := list "cpu" "videoCpu" "sleepingCpu" "memoryRequest" "memoryLimit" "scratch" "scratchRequest" }}
{{- with get $.values $key }}
{{ $key }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- range $key := list "scratchVolume" "labels" "annotations" "nodeSelector" "tolerations" }}
{{- with get $.values $key }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end -}}
