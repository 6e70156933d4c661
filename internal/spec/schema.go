package spec

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

//go:embed types.go
var typesSource string

// object is a part of a JSON Schema.
type object = map[string]any

// constraints is what the schema knows of a field beyond its type. A pattern
// judges strings alone: a value that YAML reads as a number or boolean is taken
// from its token by the decoder, so it passes here.
var constraints = map[string]object{
	"Service.APIVersion": {"type": "string", "const": APIVersion},
	"Build.Go":           {"pattern": goVersion.String()},
	"Image.User":         {"examples": []string{"65532:65532"}},
	"Runtime.Memlimit":   {"type": []string{"string", "boolean"}, "enum": []any{"env", "auto", "off", false}},
	"Runtime.Gomaxprocs": {"type": []string{"string", "integer"}, "pattern": "^(auto|[0-9]+)$"},
	"Runtime.Gogc":       {"pattern": "^(off|[0-9]+)$"},
	"Runtime.Cgroup":     {"type": "string", "enum": []any{"any", "v2"}},
	"Runtime.Pids":       {"minimum": 1},
	"Rehearse.For":       {"type": "string", "pattern": rehearsalTime.String()},
	"Rehearse.Expect":    {"type": "string", "enum": []any{"ready", "exit0"}},
	"CPU.Weight":         {"minimum": 1, "maximum": 10000},
}

// textTypes are the types that read their own text.
var textTypes = map[reflect.Type]object{
	reflect.TypeFor[Size]():    {"type": []string{"string", "integer"}, "pattern": "^[0-9]+(B|[KMGT]iB)?$"},
	reflect.TypeFor[Cores]():   {"type": []string{"string", "number"}, "pattern": `^[0-9]+(\.[0-9]+|m)?$`},
	reflect.TypeFor[Percent](): {"type": "string", "pattern": "^[0-9]+%$"},
}

// Schema is the JSON Schema (draft 2020-12) of a spec, made from the types that
// Parse fills and their comments: indented JSON, ending in a newline. Keys that
// are not supported yet are not in it.
func Schema() ([]byte, error) {
	docs, err := typeComments()
	if err != nil {
		return nil, fmt.Errorf("reading the comments of the spec's types: %w", err)
	}
	s := schemer{docs: docs, defs: object{}}
	root := s.structure(reflect.TypeFor[Service]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Plimsoll spec, " + APIVersion
	root["$defs"] = s.defs
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	return append(data, '\n'), nil
}

type schemer struct {
	// docs are the comments by "Type" and "Type.Field".
	docs map[string]string
	// defs are the schemas of the types that are structs.
	defs object
}

func (s *schemer) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range fieldsOf(t) {
		if f.unsupported {
			continue
		}
		properties[f.key] = s.property(t, f)
		if f.required {
			required = append(required, f.key)
		}
	}
	return object{
		"type": "object", "description": s.docs[t.Name()],
		"properties": properties, "required": required,
		"patternProperties": object{"^x-": true}, "additionalProperties": false,
	}
}

func (s *schemer) property(t reflect.Type, f field) object {
	name := t.Name() + "." + t.Field(f.index).Name
	p := s.value(t.Field(f.index).Type)
	if f.kind == reflect.String {
		p["minLength"] = 1
	}
	for key, value := range constraints[name] {
		p[key] = value
	}
	p["description"] = s.docs[name]
	if f.expand {
		p["description"] = s.docs[name] + " Takes build arguments as ${NAME}."
	}
	return p
}

// value is a fresh schema of a type; structs are references to their definition.
func (s *schemer) value(t reflect.Type) object {
	if text, ok := textTypes[t]; ok {
		return object{"type": text["type"], "pattern": text["pattern"]}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(t.Elem())
	case reflect.Struct:
		if _, ok := s.defs[t.Name()]; !ok {
			s.defs[t.Name()] = s.structure(t)
		}
		return object{"$ref": "#/$defs/" + t.Name()}
	case reflect.Slice:
		list := object{"type": "array", "items": s.value(t.Elem())}
		if t != reflect.TypeFor[OneOrMany]() {
			return list
		}
		list["minItems"] = 1
		return object{"anyOf": []object{s.value(t.Elem()), list}}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.value(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	}
	// Any scalar: the decoder takes its token as written.
	return object{"type": []string{"string", "number", "boolean"}}
}

// typeComments are the comments of types.go by "Type" and "Type.Field".
func typeComments() (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", typesSource, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	docs := map[string]string{}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			typ := spec.(*ast.TypeSpec)
			docs[typ.Name.Name] = sentence(gen.Doc)
			fields, ok := typ.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range fields.Fields.List {
				for _, name := range f.Names {
					docs[typ.Name.Name+"."+name.Name] = sentence(f.Doc)
				}
			}
		}
	}
	return docs, nil
}

func sentence(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}
