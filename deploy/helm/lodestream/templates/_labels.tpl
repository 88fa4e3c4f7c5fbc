{{/* Labels of all objects: (dict "root" $ "component" "gateway"). */}}
{{- define "lodestream.labels" -}}
{{ include "lodestream.selector" . }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: lodestream
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What a Service, a policy and a Deployment find their pods by. Never changes in an upgrade. */}}
{{- define "lodestream.selector" -}}
app.kubernetes.io/name: lodestream
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* The pods of one component, for a policy's peer: also across namespaces. */}}
{{- define "lodestream.peer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .namespace }}
podSelector:
  matchLabels:
    {{- include "lodestream.selector" . | nindent 4 }}
{{- end -}}
