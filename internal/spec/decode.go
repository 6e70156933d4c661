package spec

import (
	"encoding"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills the types of the spec from YAML nodes, by their json tags. Every
// scalar is taken from its token as written: no number or boolean is read into
// another type and back.
type decoder struct {
	*problems
	// positions is Document.Positions.
	positions map[string]Position
	// keys is Document.keys.
	keys map[string]Position
	// broken holds the paths whose value could not be decoded.
	broken pathSet
	// elsewhere is keyPaths().
	elsewhere map[string][]string
}

func (d *decoder) position(n *yaml.Node) Position { return d.source.position(n.Line, n.Column) }

func (d *decoder) has(path string) bool { _, ok := d.positions[path]; return ok }

func (d *decoder) fail(n *yaml.Node, path, rule, suggestion, format string, args ...any) {
	d.broken[path] = true
	d.add(d.position(n), path, rule, suggestion, format, args...)
}

// value decodes one node, which stands at path, into v.
func (d *decoder) value(n *yaml.Node, path string, v reflect.Value, f field) {
	if path != "" {
		d.positions[path] = d.position(n)
	}
	at, n := n, dealias(n)
	if !d.untagged(n, path) {
		return
	}
	if isNull(n) {
		d.fail(at, path, "wrong-type", "", "there is no value: leave the key out, or give it one")
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(at, path, text)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.object(at, path, v)
	case reflect.Map:
		d.table(at, path, v)
	case reflect.Slice:
		d.list(at, path, v, f)
	default:
		d.scalar(at, path, v, f)
	}
}

// untagged refuses explicit tags (!!str, !custom): the type of a value follows
// from its key.
func (d *decoder) untagged(n *yaml.Node, path string) bool {
	if n.Style&yaml.TaggedStyle != 0 {
		d.fail(n, path, "yaml-tag", "", "the YAML tag %s is not needed and not taken: leave it out", quote(n.Tag))
		return false
	}
	return true
}

func (d *decoder) object(at *yaml.Node, path string, v reflect.Value) {
	n := dealias(at)
	if n.Kind != yaml.MappingNode {
		d.fail(at, path, "wrong-type", "", "this needs a mapping of keys, not %s", kindOf(at))
		return
	}
	fields := fieldsOf(v.Type())
	for _, p := range d.pairs(n, path) {
		at := joinKey(path, p.name)
		f, ok := fieldNamed(fields, p.name)
		d.keys[at] = d.position(p.key)
		switch {
		case isFree(p.name):
		case !ok:
			suggestion, hint := unknownKey(p.name, supportedKeys(fields), d.elsewhere)
			d.fail(p.key, at, "unknown-key", suggestion, "there is no key %s; %s", quote(p.name), hint)
		case f.unsupported:
			d.fail(p.key, at, "not-supported-yet", "", "%s is not supported yet: leave it out", at)
		default:
			d.value(p.value, at, v.Field(f.index), f)
		}
	}
	for _, f := range fields {
		key := joinKey(path, f.key)
		if f.required && !d.has(key) && !d.broken[key] {
			d.missing(at, path, f)
		}
	}
}

func (d *decoder) missing(at *yaml.Node, path string, f field) {
	suggestion, hint := "", ""
	if path == "" && f.key == "apiVersion" {
		suggestion = "apiVersion: " + APIVersion
		hint = ": every spec begins with it"
	}
	d.fail(at, joinKey(path, f.key), "missing-key", suggestion, "the key %q is missing%s", f.key, hint)
}

func fieldNamed(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

// table decodes a mapping whose keys are the user's.
func (d *decoder) table(at *yaml.Node, path string, v reflect.Value) {
	n := dealias(at)
	if n.Kind != yaml.MappingNode {
		d.fail(at, path, "wrong-type", "", "this needs a mapping of names to values, not %s", kindOf(at))
		return
	}
	table := map[string]string{}
	for _, p := range d.pairs(n, path) {
		var text string
		at := joinKey(path, p.name)
		d.keys[at] = d.position(p.key)
		d.value(p.value, at, reflect.ValueOf(&text).Elem(), field{})
		table[p.name] = text
	}
	v.Set(reflect.ValueOf(table))
}

func (d *decoder) list(at *yaml.Node, path string, v reflect.Value, f field) {
	n := dealias(at)
	if v.Type() == reflect.TypeFor[OneOrMany]() && n.Kind == yaml.ScalarNode {
		v.Set(reflect.ValueOf(OneOrMany{n.Value}))
		return
	}
	if n.Kind != yaml.SequenceNode {
		suggestion := ""
		if n.Kind == yaml.ScalarNode && simpleWord.MatchString(n.Value) {
			suggestion = "[" + n.Value + "]"
		}
		d.fail(at, path, "wrong-type", suggestion, "this needs a list, not %s", kindOf(at))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, indexPath(path, i), v.Index(i), field{})
	}
}

func (d *decoder) text(at *yaml.Node, path string, v encoding.TextUnmarshaler) {
	n := dealias(at)
	if n.Kind != yaml.ScalarNode {
		d.fail(at, path, "wrong-type", "", "this needs a single value, not %s", kindOf(at))
		return
	}
	if len(n.Value) > maxQuoted {
		d.fail(at, path, "invalid-value", "", "%s is too long", quote(n.Value))
		return
	}
	if err := v.UnmarshalText([]byte(n.Value)); err != nil {
		d.fail(at, path, "invalid-value", suggestText(v, n.Value), "%s", err)
	}
}

var (
	simpleWord = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*$`)
	otherUnit  = regexp.MustCompile(`^([0-9]+) ?([kKmMgGtT])i?[bB]?$`)
)

// suggestText is what a value of one of the text types was most likely meant to be.
func suggestText(v encoding.TextUnmarshaler, text string) string {
	switch v.(type) {
	case *Size:
		if m := otherUnit.FindStringSubmatch(text); m != nil {
			return m[1] + strings.ToUpper(m[2]) + "iB"
		}
	case *Percent:
		var p Percent
		if p.UnmarshalText([]byte(text+"%")) == nil {
			return text + "%"
		}
	}
	return ""
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (d *decoder) scalar(at *yaml.Node, path string, v reflect.Value, f field) {
	n := dealias(at)
	if n.Kind != yaml.ScalarNode {
		d.fail(at, path, "wrong-type", "", "this needs a single value, not %s", kindOf(at))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		d.boolean(at, path, v)
	case reflect.Int:
		d.number(at, path, v)
	default:
		d.str(at, path, v, f)
	}
}

func (d *decoder) boolean(at *yaml.Node, path string, v reflect.Value) {
	n := dealias(at)
	word := strings.ToLower(n.Value)
	switch {
	case plain(n) && (n.Value == "true" || n.Value == "false"):
		v.SetBool(n.Value == "true")
	case plain(n) && (word == "true" || word == "false"):
		d.fail(at, path, "invalid-value", word, "this takes true or false, in lower case")
	default:
		d.fail(at, path, "wrong-type", "", "this takes true or false without quotes, not %s", quote(n.Value))
	}
}

func (d *decoder) number(at *yaml.Node, path string, v reflect.Value) {
	n := dealias(at)
	if !plain(n) || strings.Trim(n.Value, "0123456789+-_.xXoOeEabcdfABCDF") != "" {
		d.fail(at, path, "wrong-type", "", "this takes a whole number without quotes, not %s", quote(n.Value))
		return
	}
	number, err := strconv.ParseInt(n.Value, 10, 32)
	if err != nil || !wholeNumber.MatchString(n.Value) {
		d.fail(at, path, "invalid-value", "", "this takes a whole decimal number, not %s", quote(n.Value))
		return
	}
	v.SetInt(number)
}

func (d *decoder) str(at *yaml.Node, path string, v reflect.Value, f field) {
	n := dealias(at)
	text := n.Value
	if f.off && text == "false" && plain(n) {
		text = "off"
	}
	if strings.ContainsRune(text, 0) {
		d.fail(at, path, "invalid-value", "", "a NUL character cannot be in a value")
		return
	}
	if text == "" && f.key != "" {
		d.fail(at, path, "invalid-value", "", "the value is empty: leave the key out for its default")
		return
	}
	v.SetString(text)
}
