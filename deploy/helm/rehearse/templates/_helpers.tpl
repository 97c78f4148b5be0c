{{- define "rehearse.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "rehearse.labels" -}}
app.kubernetes.io/name: rehearse
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "rehearse.selector" -}}
app.kubernetes.io/name: rehearse
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rehearse.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "rehearse.name" .) -}}
{{- end -}}

{{- define "rehearse.claim" -}}
{{- .Values.store.persistentVolumeClaim.existingClaim | default (printf "%s-store" (include "rehearse.name" .)) -}}
{{- end -}}

{{- /* What cannot be right, said before anything is made. */ -}}
{{- define "rehearse.check" -}}
{{- $llm := .Values.workers.llm -}}
{{- if and (not .Values.redis.existingSecret) (or $llm.autoscaling.enabled (gt (int $llm.replicas) 1)) -}}
{{- fail "several llm workers need redis.existingSecret: without it each would use the whole of every model's limits" -}}
{{- end -}}
{{- if and .Values.temporal.tls.clientCertificate (not .Values.temporal.tls.existingSecret) -}}
{{- fail "temporal.tls.clientCertificate needs temporal.tls.existingSecret, a secret with tls.crt and tls.key" -}}
{{- end -}}
{{- if and .Values.temporal.apiKey.existingSecret .Values.temporal.tls.clientCertificate -}}
{{- fail "temporal.apiKey and temporal.tls.clientCertificate are two ways to say who the workers are; set one" -}}
{{- end -}}
{{- end -}}

{{- /* Environment of a worker: {root, queue}. */ -}}
{{- define "rehearse.env" -}}
{{- $v := .root.Values -}}
- name: REHEARSE_HOME
  value: /data
- name: REHEARSE_CACHE
  value: /cache
- name: HOME
  value: /tmp
- name: REHEARSE_LOG
  value: {{ $v.logLevel | quote }}
- name: REHEARSE_METRICS
  value: {{ printf "0.0.0.0:%v" $v.metrics.port | quote }}
- name: TEMPORAL_ADDRESS
  value: {{ $v.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ $v.temporal.namespace | quote }}
{{- with $v.temporal.apiKey.existingSecret }}
- name: TEMPORAL_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $v.temporal.apiKey.key }}
{{- end }}
{{- with $v.temporal.tls }}
{{- if or .enabled .existingSecret $v.temporal.apiKey.existingSecret }}
- name: TEMPORAL_TLS
  value: "true"
{{- end }}
{{- if .existingSecret }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: /etc/temporal-tls/ca.crt
{{- end }}
{{- if .clientCertificate }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/temporal-tls/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/temporal-tls/tls.key
{{- end }}
{{- with .serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with $v.temporal.uiUrl }}
- name: REHEARSE_UI_URL
  value: {{ . | quote }}
{{- end }}
{{- with $v.store.bucket }}
{{- if .url }}
- name: REHEARSE_STORE
  value: {{ .url | quote }}
{{- with .endpoint }}
- name: REHEARSE_S3_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (eq .queue "llm") $v.redis.existingSecret }}
- name: REHEARSE_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ $v.redis.existingSecret }}
      key: {{ $v.redis.key }}
{{- end }}
{{- if $v.codec.existingSecret }}
- name: REHEARSE_CODEC_KEYS_FILE
  value: /etc/rehearse-codec/{{ $v.codec.key }}
{{- end }}
{{- if $v.endpointsCA.existingConfigMap }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/endpoints-ca/ca.crt
{{- end }}
{{- with $v.tracing }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ printf "rehearse-%s" $.queue | quote }}
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .sampleRatio | quote }}
{{- end }}
{{- end }}
{{- with $v.deploymentName }}
- name: REHEARSE_DEPLOYMENT
  value: {{ . | quote }}
{{- end }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Secrets whose keys are variables: {root, queue}. */ -}}
{{- define "rehearse.envFrom" -}}
{{- $v := .root.Values -}}
{{- if and (eq .queue "llm") $v.modelKeys.existingSecret }}
- secretRef:
    name: {{ $v.modelKeys.existingSecret }}
{{- end }}
{{- if and (eq .queue "cpu") $v.notify.existingSecret }}
- secretRef:
    name: {{ $v.notify.existingSecret }}
{{- end }}
{{- if and (has .queue (list "cpu" "gpu")) $v.hub.existingSecret }}
- secretRef:
    name: {{ $v.hub.existingSecret }}
{{- end }}
{{- if and (ne .queue "orchestration") $v.store.bucket.url $v.store.bucket.existingSecret }}
- secretRef:
    name: {{ $v.store.bucket.existingSecret }}
{{- end }}
{{- end -}}
