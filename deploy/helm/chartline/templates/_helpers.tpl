{{- define "chartline.labels" -}}
app.kubernetes.io/name: chartline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chartline.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: tmp
    emptyDir: {}
{{- end }}

{{- define "chartline.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - configMapRef: {name: {{ .Release.Name }}-config}
  - secretRef: {name: {{ .Values.secretName }}}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end }}
