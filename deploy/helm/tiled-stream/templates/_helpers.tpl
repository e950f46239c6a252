{{- define "tiled-stream.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tiled-stream.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "tiled-stream.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tiled-stream.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tiled-stream.selector" -}}
app.kubernetes.io/name: {{ include "tiled-stream.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tiled-stream.labels" -}}
{{ include "tiled-stream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tiled-stream.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tiled-stream.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "tiled-stream.keys" -}}
{{- default (printf "%s-keys" (include "tiled-stream.fullname" .)) .Values.keys.existingSecret -}}
{{- end -}}

{{- define "tiled-stream.claim" -}}
{{- default (include "tiled-stream.fullname" .) .Values.storage.existingClaim -}}
{{- end -}}

{{- define "tiled-stream.rootPath" -}}
{{- if .Values.ingress.enabled -}}{{- trimSuffix "/" .Values.ingress.path -}}{{- end -}}
{{- end -}}

{{/* The configuration file: the chart's own settings, which those of the values take precedence over. */}}
{{- define "tiled-stream.settings" -}}
{{- $server := dict "host" "0.0.0.0" "port" 8000 "data_dir" "/data" -}}
{{- if .Values.ingress.enabled -}}
{{- $_ := set $server "allowed_hosts" (list .Values.ingress.host) -}}
{{- $_ := set $server "root_path" (include "tiled-stream.rootPath" .) -}}
{{- $_ := set $server "tls" (ne .Values.ingress.tlsSecret "") -}}
{{- end -}}
{{- toYaml (mergeOverwrite (dict "server" $server) (deepCopy .Values.settings)) -}}
{{- end -}}

{{- define "tiled-stream.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  # The name that the server is known by on its own machine, whatever its allowed_hosts.
  httpHeaders: [{name: Host, value: localhost}]
{{ toYaml (omit . "path") }}
{{- end -}}
