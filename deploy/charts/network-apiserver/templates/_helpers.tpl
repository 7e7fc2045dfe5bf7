{{- /*
SPDX-FileCopyrightText: The network-apiserver authors
SPDX-License-Identifier: Apache-2.0

What several templates share. Names are fixed: a cluster has one APIService of this group, and so one installation.
*/ -}}

{{- define "labels" -}}
app.kubernetes.io/part-of: network-apiserver
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
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

{{- /* The host names of the members of etcd. */}}
{{- define "etcdHosts" -}}
{{- $hosts := list }}
{{- range $i := until 3 }}
{{- $hosts = append $hosts (printf "network-etcd-%d.network-etcd.%s.svc" $i $.Release.Namespace) }}
{{- end }}
{{- join "," $hosts }}
{{- end }}

{{- define "volumeClaimSpec" -}}
accessModes: [ReadWriteOnce]
{{- with .Values.storage.storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.storage.size }}
{{- end }}
