package verify

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// document is the JSON form of reports.
type document struct {
	Schema int      `json:"schema"`
	OK     bool     `json:"ok"`
	Images []Report `json:"images"`
}

// words are the types that have few values.
var words = map[reflect.Type][]any{
	reflect.TypeFor[Verdict]():  {Pass, Fail, Warn, Skip, Unknown},
	reflect.TypeFor[Severity](): {Error, Warning},
}

// Schema is the JSON Schema (draft 2020-12) of the JSON form, made from the types
// that are written: indented JSON, ending in a newline. Objects are open, since
// fields are added within a SchemaVersion.
func Schema() ([]byte, error) {
	root := schemaOf(reflect.TypeFor[document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = fmt.Sprintf("plimsoll verify --format json, schema %d", SchemaVersion)
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": SchemaVersion}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	return append(data, '\n'), nil
}

// schemaOf knows the kinds of types that a report is made of.
func schemaOf(t reflect.Type) map[string]any {
	if values, ok := words[t]; ok {
		return map[string]any{"type": "string", "enum": values}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{"type": "string"}
}

func structSchema(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = schemaOf(t.Field(i).Type)
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}
