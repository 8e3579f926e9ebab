{{- define "brokerd.name" -}}
{{- if contains "brokerd" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-brokerd{{ end -}}
{{- end }}

{{/* The name of a Service in the cluster: brokerd.host (list CONTEXT COMPONENT) */}}
{{- define "brokerd.host" -}}
{{- $context := index . 0 -}}
{{ include "brokerd.name" $context }}-{{ index . 1 }}.{{ $context.Release.Namespace }}.svc.{{ $context.Values.clusterDomain }}
{{- end }}

{{- define "brokerd.secret" -}}{{ .Values.existingSecret | default (include "brokerd.name" .) }}{{- end }}

{{- define "brokerd.engines" -}}{{ .Values.engines.namespace | default (printf "brokerd-%s" .Values.installation) }}{{- end }}

{{/* The name of an image, in the registry if there is one: brokerd.image (list CONTEXT NAME) */}}
{{- define "brokerd.image" -}}
{{- $registry := (index . 0).Values.image.registry -}}
{{- if $registry }}{{ $registry | trimSuffix "/" }}/{{ end }}{{ index . 1 -}}
{{- end }}

{{- define "brokerd.version" -}}{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}

{{/* brokerd.selector (list CONTEXT COMPONENT): policies of engines let in what is named brokerd, which a database is not. */}}
{{- define "brokerd.selector" -}}
app.kubernetes.io/name: {{ ternary "brokerd-postgres" "brokerd" (eq (index . 1) "postgres") }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* brokerd.labels (list CONTEXT COMPONENT) */}}
{{- define "brokerd.labels" -}}
{{ include "brokerd.selector" . }}
app.kubernetes.io/version: {{ include "brokerd.version" (index . 0) | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- end }}

{{/* A setting as its variable: brokerd.setting (list KEY VALUE) */}}
{{- define "brokerd.setting" -}}
- name: BROKERD_{{ index . 0 | replace "." "_" | upper }}
  value: {{ index . 1 | toString | quote }}
{{- end }}

{{/* What all processes are told. */}}
{{- define "brokerd.settings" -}}
{{- range $key, $value := mustMerge (deepCopy .Values.settings) (dict
  "installation" .Values.installation
  "data_dir" "/var/lib/brokerd/data"
  "database.url_file" "/run/secrets/brokerd/database-url"
  "endpoint.public_bind" "0.0.0.0"
  "endpoint.private_bind" "0.0.0.0"
  "log.format" "json"
) }}
{{ include "brokerd.setting" (list $key $value) }}
{{- end }}
{{ include "brokerd.setting" (list "endpoint.advertised_host" (.Values.endpoints.host | default (include "brokerd.host" (list . "gateway")))) }}
{{- if .Values.endpoints.domain }}
{{ include "brokerd.setting" (list "endpoint.domain" .Values.endpoints.domain) }}
{{- /* A process without rights has no ports below 1024; the Service has. */}}
{{ include "brokerd.setting" (list "endpoint.shared_ports" "443=8443") }}
{{- else }}
{{ include "brokerd.setting" (list "endpoint.ports" .Values.endpoints.ports) }}
{{- end }}
{{- end }}

{{/* What API and provisioner are told beside. */}}
{{- define "brokerd.runtime" -}}
{{ include "brokerd.setting" (list "operations.listen" "0.0.0.0:9642") }}
{{ include "brokerd.setting" (list "secrets.master_key_file" "/run/secrets/brokerd/master-key") }}
{{ include "brokerd.setting" (list "faults.enabled" .Values.faults.enabled) }}
{{ include "brokerd.setting" (list "runtime.kind" "kubernetes") }}
{{ include "brokerd.setting" (list "runtime.kubernetes.namespace" (include "brokerd.engines" .)) }}
{{ include "brokerd.setting" (list "runtime.kubernetes.image_pull_policy" .Values.engines.imagePullPolicy) }}
{{ include "brokerd.setting" (list "runtime.kubernetes.cluster_domain" .Values.clusterDomain) }}
{{- with .Values.engines.clients }}
{{ include "brokerd.setting" (list "runtime.kubernetes.clients" (join "," .)) }}
{{- end }}
{{- with .Values.engines.storageClasses.ebs }}
{{ include "brokerd.setting" (list "runtime.kubernetes.storage_class_ebs" .) }}
{{- end }}
{{- with .Values.engines.storageClasses.efs }}
{{ include "brokerd.setting" (list "runtime.kubernetes.storage_class_efs" .) }}
{{- end }}
{{- with .Values.engines.imagePullSecrets }}
{{ include "brokerd.setting" (list "runtime.kubernetes.image_pull_secrets" (join "," .)) }}
{{- end }}
{{- with .Values.image.registry }}
{{ include "brokerd.setting" (list "registry.address" (. | trimSuffix "/")) }}
{{- end }}
{{- end }}

{{/* As Pod Security "restricted" has it. */}}
{{- define "brokerd.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* What the specs of all pods of brokerd begin with: brokerd.pod (list CONTEXT COMPONENT) */}}
{{- define "brokerd.pod" -}}
# Variables of services would be taken for settings.
enableServiceLinks: false
terminationGracePeriodSeconds: 45
securityContext:
  runAsNonRoot: true
  runAsUser: 990
  runAsGroup: 990
  fsGroup: 990
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: &selector
      matchLabels:
        {{- include "brokerd.selector" . | nindent 8 }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: *selector
{{- include "brokerd.placement" (index . 0) }}
{{- end }}

{{- define "brokerd.placement" }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Keys of the Secret, and what is written: brokerd.volumes (list CONTEXT KEY…) */}}
{{- define "brokerd.volumes" -}}
- name: data
  emptyDir: { sizeLimit: 256Mi }
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
- name: secrets
  secret:
    secretName: {{ include "brokerd.secret" (index . 0) }}
    defaultMode: 0440
    items:
      {{- range rest . }}
      - { key: {{ . }}, path: {{ . }} }
      {{- end }}
{{- end }}

{{- define "brokerd.mounts" -}}
- { name: data, mountPath: /var/lib/brokerd }
- { name: tmp, mountPath: /tmp }
- { name: secrets, mountPath: /run/secrets/brokerd, readOnly: true }
{{- end }}

{{/* brokerd.probes PORT */}}
{{- define "brokerd.probes" -}}
# The start may wait for the database.
startupProbe:
  httpGet: { path: /health/live, port: {{ . }} }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /health/live, port: {{ . }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /health/ready, port: {{ . }} }
  periodSeconds: 3
  timeoutSeconds: 3
{{- end }}

{{/* Ports that brokers with host names share, as docs/networking.md lists them: Service=listener. */}}
{{- define "brokerd.sharedPorts" -}}
443=8443 5671=5671 8162=8162 8883=8883 15671=15671 16001=16001 16002=16002 16003=16003 61614=61614 61617=61617 61619=61619
{{- end }}

{{/* A budget: never all at once. brokerd.budget (list CONTEXT COMPONENT REPLICAS) */}}
{{- define "brokerd.budget" -}}
{{- if gt (int (index . 2)) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "brokerd.name" (index . 0) }}-{{ index . 1 }}
  namespace: {{ (index . 0).Release.Namespace }}
  labels:
    {{- include "brokerd.labels" (list (index . 0) (index . 1)) | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "brokerd.selector" (list (index . 0) (index . 1)) | nindent 6 }}
{{- end }}
{{- end }}
