package verify_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// configFields are the values and keys of a decoded config, each under its path.
func configFields(config any) []field {
	var all []field
	walk(config, nil, func(path []string, value any) {
		name := "config: " + pathName(path)
		if len(path) == 3 && path[1] == "Labels" {
			name = "label: " + path[2]
		}
		all = append(all, valueField(name, path, value))
		if set, ok := value.(object); ok && len(set) == 0 { // a set of ports or volumes
			all[len(all)-1] = keyField(name, path)
		}
	})
	slices.SortStableFunc(all, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return append(all, keyField("label keys", []string{"config", "Labels", ""}))
}

func pathName(path []string) string {
	if len(path) > 1 && path[0] == "config" {
		path = path[1:]
	}
	if len(path) == 2 && (path[0] == "ExposedPorts" || path[0] == "Volumes") {
		path = path[:1]
	}
	return strings.Join(path, ".")
}

// walk visits the leaves of decoded JSON in the order of their keys.
func walk(value any, path []string, visit func([]string, any)) {
	switch v := value.(type) {
	case object:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "rootfs" {
				walk(v[key], append(slices.Clone(path), key), visit)
			}
		}
		if len(v) == 0 {
			visit(path, v)
		}
	case []any:
		for i, element := range v {
			walk(element, append(slices.Clone(path), strconv.Itoa(i)), visit)
		}
	default:
		visit(path, v)
	}
}

// change replaces the leaf at a path by another in a copy of decoded JSON.
func change(value any, path []string, with func(any) any) any {
	if len(path) == 0 {
		return with(value)
	}
	if list, ok := value.([]any); ok {
		i, _ := strconv.Atoi(path[0])
		list = slices.Clone(list)
		list[i] = change(list[i], path[1:], with)
		return list
	}
	set := maps.Clone(value.(object))
	set[path[0]] = change(set[path[0]], path[1:], with)
	return set
}

// valueField flips the bits of a string, of a number below 2^32, or a truth.
func valueField(name string, path []string, value any) field {
	f := field{name: name, bits: 1}
	switch v := value.(type) {
	case string:
		f.bits = 8 * len(v)
	case json.Number:
		f.bits = 32
	}
	f.flip = func(p *parts, bit int) {
		p.config = change(p.config, path, func(value any) any {
			switch v := value.(type) {
			case string:
				return flipText(v, bit)
			case json.Number:
				n, _ := v.Int64()
				return n ^ 1<<bit
			}
			return value != true
		})
	}
	return f
}

// keyField flips the bits of all keys of the object that holds the path.
func keyField(name string, path []string) field {
	parent := path[:len(path)-1]
	keysOf := func(value any) (keys []string, values map[string]string) {
		keys, values = slices.Sorted(maps.Keys(value.(object))), map[string]string{}
		for _, key := range keys {
			values[key] = key
		}
		return keys, values
	}
	return field{name: name, bits: -1, flip: func(p *parts, bit int) {
		p.config = change(p.config, parent, func(value any) any {
			keys, values := keysOf(value)
			set := maps.Clone(value.(object))
			texts(name, keys, func(_ *parts, i int, flip func(string) string) {
				delete(set, keys[i])
				set[flip(keys[i])] = value.(object)[keys[i]]
			}, values)[0].flip(p, bit)
			return set
		})
	}}
}

// keyBits counts the bits of the keys that a field of keys flips.
func keyBits(config any, f field) int {
	holder := "Labels"
	if f.name != "label keys" {
		holder = strings.TrimPrefix(f.name, "config: ")
	}
	keys := slices.Collect(maps.Keys(config.(object)["config"].(object)[holder].(object)))
	return 8 * len(strings.Join(keys, ""))
}

// The table has a row for each field that the seal binds: what is added to it is added here.
func TestMutationsNameSealedFields(t *testing.T) {
	names := []string{}
	for _, f := range configFields(partsOf(t).config) {
		names = append(names, f.name)
	}
	for _, leaf := range slices.Concat(leaves(reflect.TypeFor[plan.RunConfig](), ""), []string{"os", "architecture", "variant", "os.version", "os.features"}) {
		if leaf == "Labels" {
			continue // each has a row of its own
		}
		if !slices.ContainsFunc(names, func(n string) bool { return n == "config: "+leaf || strings.HasPrefix(n, "config: "+leaf+".") }) {
			t.Errorf("no row for the sealed field %s in %v", leaf, names)
		}
	}
}

// leaves are the JSON names of a struct's fields.
func leaves(t reflect.Type, prefix string) (names []string) {
	for f := range fieldsOf(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case f.Anonymous:
			names = append(names, leaves(inner, prefix)...)
		case inner.Kind() == reflect.Struct:
			names = append(names, leaves(inner, prefix+name+".")...)
		default:
			names = append(names, prefix+name)
		}
	}
	return names
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}
