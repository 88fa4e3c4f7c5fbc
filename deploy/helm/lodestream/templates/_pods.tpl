{{/* An image: (dict "root" $ "image" .Values.gateway.image). A digest wins over a tag. */}}
{{- define "lodestream.image" -}}
{{- $name := .image.repository -}}
{{- with .root.Values.global.imageRegistry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "lodestream.pullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Pod Security `restricted`, for every pod of this chart. */}}
{{- define "lodestream.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "lodestream.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where a pod may run: (dict "root" $ "values" .Values.gateway). */}}
{{- define "lodestream.placement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "values" .Values.gateway "class" "gateway"): the named class, or the chart's own. */}}
{{- define "lodestream.priorityClass" -}}
{{- if .values.priorityClassName -}}
{{- .values.priorityClassName -}}
{{- else if .root.Values.priorityClasses.create -}}
{{- printf "%s-%s" (include "lodestream.fullname" .root) .class -}}
{{- end -}}
{{- end -}}
