package spec

import (
	"reflect"
	"slices"
	"strings"
)

// field is one key of a struct of the spec: the struct tags are the only place
// that says so, for the decoder, build arguments and the schema alike.
type field struct {
	key   string
	index int
	// kind is that of the field's type.
	kind reflect.Kind
	// required is set for a json tag without omitempty or omitzero.
	required bool
	// off is set where off, "off" and false mean the same.
	off bool
	// expand is set where ${NAME} works.
	expand bool
	// unsupported is set for a key that the contract names but nothing builds yet.
	unsupported bool
}

func fieldsOf(t reflect.Type) []field {
	fields := make([]field, t.NumField())
	for i := range fields {
		tag := t.Field(i).Tag
		key, options, _ := strings.Cut(tag.Get("json"), ",")
		marks := strings.Split(tag.Get("spec"), ",")
		fields[i] = field{
			key: key, index: i, kind: t.Field(i).Type.Kind(), required: options == "",
			off:         slices.Contains(marks, "off"),
			expand:      slices.Contains(marks, "expand"),
			unsupported: slices.Contains(marks, "unsupported"),
		}
	}
	return fields
}

// supportedKeys are the keys that a struct takes, in their order.
func supportedKeys(fields []field) []string {
	var keys []string
	for _, f := range fields {
		if !f.unsupported {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// keyPaths maps each key of the spec to the paths where it stands, in the order
// of the types: it answers "this key belongs to …".
func keyPaths() map[string][]string {
	paths := map[string][]string{}
	collectKeys(reflect.TypeFor[Service](), "", paths)
	return paths
}

func collectKeys(t reflect.Type, prefix string, paths map[string][]string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for _, f := range fieldsOf(t) {
		if f.unsupported {
			continue
		}
		path := joinKey(prefix, f.key)
		paths[f.key] = append(paths[f.key], path)
		collectKeys(t.Field(f.index).Type, path, paths)
	}
}

// rewrite copies a value of the spec and passes every string in it through
// change, with its key path and the field that holds it. Nothing of the copy is
// shared with the original.
func rewrite(v reflect.Value, path string, f field, change func(path, text string, f field) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(change(path, v.String(), f))
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			out.Field(f.index).Set(rewrite(v.Field(f.index), joinKey(path, f.key), f, change))
		}
	case reflect.Slice:
		if !v.IsNil() { // an empty list says something: rehearse: {args: []}
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		}
		for i := range v.Len() {
			out.Index(i).Set(rewrite(v.Index(i), indexPath(path, i), f, change))
		}
	case reflect.Map:
		rewriteMap(out, v, path, f, change)
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(rewrite(v.Elem(), path, f, change))
		}
	default:
		out.Set(v)
	}
	return out
}

func rewriteMap(out, v reflect.Value, path string, f field, change func(path, text string, f field) string) {
	if v.Len() == 0 {
		return
	}
	out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
	for _, key := range sortedKeys(v.Interface().(map[string]string)) {
		k := reflect.ValueOf(key)
		out.SetMapIndex(k, rewrite(v.MapIndex(k), joinKey(path, key), f, change))
	}
}
