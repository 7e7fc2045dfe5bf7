{{- define "gvList" -}}
<!-- Generated from apis/ by `make generate`. Do not edit. -->
# API reference
{{ range . }}{{ template "gvDetails" . }}{{ end -}}
{{- end -}}

{{- define "gvDetails" }}
`apiVersion: {{ .GroupVersionString }}`

{{ .Doc }}

`kubectl explain` shows the same texts.
{{ range .SortedTypes }}{{ template "type" . }}{{ end -}}
{{- end -}}

{{- define "type" }}{{ if markdownShouldRenderType . }}
## {{ .Name }}

{{ .Doc }}
{{ if .References }}
Used in: {{ range $i, $reference := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $reference }}{{ end }}.
{{ end }}{{ if .Members }}
| field | type | meaning |
|---|---|---|
{{ range .Members -}}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ markdownRenderFieldDoc .Doc }} |
{{ end }}{{ end }}{{ if .EnumValues }}
| value | meaning |
|---|---|
{{ range .EnumValues -}}
| `{{ .Name }}` | {{ markdownRenderFieldDoc .Doc }} |
{{ end }}{{ end }}{{ end }}{{ end -}}
