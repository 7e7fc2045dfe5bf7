{{- /*
SPDX-FileCopyrightText: The network-apiserver authors
SPDX-License-Identifier: Apache-2.0

What several templates share. Names are fixed: a cluster has one APIService of this group, and so one installation.
*/ -}}

{{- define "labels" -}}
app.kubernetes.io/part-of: network-apiserver
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Where the Networks are stored: embedded, bundled or external. */}}
{{- define "etcdMode" -}}
{{- $mode := .Values.etcd.mode | default (ternary "bundled" "embedded" (eq .Values.mode "ha")) }}
{{- if and (eq $mode "embedded") (gt (include "replicas" . | int) 1) }}
{{- fail "replicas: an etcd inside the server serves one replica; choose mode ha, or etcd.mode bundled or external" }}
{{- end }}
{{- if and (eq $mode "embedded") .Values.backup.enabled }}
{{- fail "backup.enabled: an etcd inside the server listens on no port, so nothing beside it can save a backup; use snapshots of the volume, or etcd.mode bundled or external" }}
{{- end }}
{{- $mode }}
{{- end }}

{{- define "replicas" -}}
{{- .Values.replicas | default (ternary 3 1 (eq .Values.mode "ha")) }}
{{- end }}

{{- /* Whether extraArgs let the prefix controller run, as the server reads --controllers. Empty if not. */}}
{{- define "prefixController" -}}
{{- $given := list }}
{{- range .Values.extraArgs }}
{{- if hasPrefix "--controllers=" . }}
{{- $given = concat $given (splitList "," (trimPrefix "--controllers=" .)) }}
{{- end }}
{{- end }}
{{- $controllers := $given | default (list "*") }}
{{- if and (or (has "*" $controllers) (has "prefix" $controllers)) (not (has "-prefix" $controllers)) }}true{{ end }}
{{- end }}

{{- /* The reference of an image. Arguments: its values, the default of the tag. */}}
{{- define "image" -}}
{{- $image := first . }}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ $image.tag | default (last .) }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "serverImage" -}}
{{- include "image" (list .Values.image .Chart.AppVersion) }}
{{- end }}

{{- /* 90 % of a memory limit, in MiB: the rest is for what the Go runtime does not count. */}}
{{- define "goMemoryLimit" -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $number := regexFind "^[0-9]+" (toString .) }}
{{- $bytes := mul (int64 $number) (get $units (trimPrefix $number (toString .))) }}
{{- printf "%dMiB" (div (mul $bytes 9) 10485760) }}
{{- end }}

{{- define "podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* Where Pods run, and by whose credentials images are pulled. */}}
{{- define "placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* With TLS 1.2, only what authenticates while it encrypts. */}}
{{- define "cipherSuites" -}}
TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
{{- end }}

{{- /* The host names of the members of the bundled etcd. */}}
{{- define "etcdHosts" -}}
{{- $hosts := list }}
{{- range $i := until 3 }}
{{- $hosts = append $hosts (printf "network-etcd-%d.network-etcd.%s.svc" $i $.Release.Namespace) }}
{{- end }}
{{- join "," $hosts }}
{{- end }}

{{- /* The URLs of etcd, and the Secret with the certificate for it, where it is not inside the server. */}}
{{- define "etcdServers" -}}
{{- if eq (include "etcdMode" .) "external" }}
{{- join "," .Values.etcd.external.servers }}
{{- else -}}
https://{{ include "etcdHosts" . | replace "," ":2379,https://" }}:2379
{{- end }}
{{- end }}

{{- define "etcdClientSecret" -}}
{{- if eq (include "etcdMode" .) "external" }}{{ .Values.etcd.external.tlsSecretName }}{{ else }}network-etcd-client-tls{{ end }}
{{- end }}

{{- /* Arguments: values with size and storageClassName. */}}
{{- define "volumeClaimSpec" -}}
accessModes: [ReadWriteOnce]
{{- with .storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end }}
