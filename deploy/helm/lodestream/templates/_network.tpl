{{/* The pods of a component as a policy's peer: "gateway" and "redis" are in the release's namespace. */}}
{{- define "lodestream.peerOf" -}}
{{- $isOurs := has .component (list "gateway" "redis") -}}
{{- $namespace := ternary .root.Release.Namespace (include "lodestream.workloadsNamespace" .root) $isOurs -}}
{{- include "lodestream.peer" (dict "root" .root "component" .component "namespace" $namespace) -}}
{{- end -}}

{{/* Egress to the cluster's own DNS. */}}
{{- define "lodestream.dnsEgress" -}}
- to:
    - namespaceSelector:
        matchLabels:
          {{- toYaml .Values.networkPolicy.dns.namespaceLabels | nindent 10 }}
      podSelector:
        matchLabels:
          {{- toYaml .Values.networkPolicy.dns.podLabels | nindent 10 }}
  ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end -}}

{{/* Every range that is not the public internet (RFC 6890), and what the operator adds. */}}
{{- define "lodestream.blockedIPv4" -}}
{{- $blocked := list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "169.254.0.0/16" "172.16.0.0/12" "192.0.0.0/24" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/4" "240.0.0.0/4" -}}
{{- range .Values.networkPolicy.downloader.blockedCidrs }}{{ if not (contains ":" .) }}{{ $blocked = append $blocked . }}{{ end }}{{ end -}}
{{- toYaml $blocked -}}
{{- end -}}

{{/* Global unicast is 2000::/3; within it the ways round through IPv4, and what the operator adds. */}}
{{- define "lodestream.blockedIPv6" -}}
{{- $blocked := list "2002::/16" "2001::/32" -}}
{{- range .Values.networkPolicy.downloader.blockedCidrs }}{{ if contains ":" . }}{{ $blocked = append $blocked . }}{{ end }}{{ end -}}
{{- toYaml $blocked -}}
{{- end -}}
