package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaGolden(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/schema.golden.json", string(data))
}

// TestSchemaDescribes: every part has a description, and none names a key that is
// not supported yet.
func TestSchemaDescribes(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	objects := map[string]any{"Service": root}
	for name, def := range root["$defs"].(map[string]any) {
		objects[name] = def
	}
	for name, o := range objects {
		o := o.(map[string]any)
		if o["description"] == "" {
			t.Errorf("%s has no description", name)
		}
		for key, p := range o["properties"].(map[string]any) {
			if p.(map[string]any)["description"] == "" {
				t.Errorf("%s.%s has no description", name, key)
			}
			if slices.Contains([]string{"pgo", "fips", "ssh", "health"}, key) {
				t.Errorf("%s.%s is not supported yet", name, key)
			}
		}
	}
	if len(objects) < 10 {
		t.Errorf("only %d types: %v", len(objects), objects)
	}
}

// structural are the rules by which Parse refuses the shape of a document, which
// a schema can see as well.
var structural = []string{"unknown-key", "wrong-type", "missing-key", "not-supported-yet"}

// checkAgreement holds a document against Parse and the schema.
func checkAgreement(t *testing.T, schema *jsonschema.Schema, data []byte) {
	t.Helper()
	p := newProblems("plimsoll.yaml", data)
	root := p.load(data)
	if root == nil {
		return
	}
	d := &decoder{problems: p, positions: map[string]Position{}, keys: map[string]Position{}, broken: pathSet{}}
	instance, ok := d.asJSON(root)
	if !ok {
		return // not expressible in JSON
	}
	_, err := Parse("plimsoll.yaml", data)
	refusal := schema.Validate(instance)
	var errs Errors
	if !errors.As(err, &errs) {
		if refusal != nil {
			t.Errorf("Parse accepts what the schema refuses: %v\n%s", refusal, data)
		}
		return
	}
	for _, e := range errs {
		if slices.Contains(structural, e.Rule) && refusal == nil {
			t.Errorf("the schema accepts what Parse refuses: %v\n%s", e, data)
		}
	}
}

// asJSON is the document as an editor would hand it to a schema: scalars by
// YAML's own types, aliases and merge keys resolved.
func (d *decoder) asJSON(n *yaml.Node) (any, bool) {
	n = dealias(n)
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return nil, false
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, ok := d.asJSON(item)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case n.Kind == yaml.MappingNode:
		object := map[string]any{}
		pairs := d.pairs(n, "")
		for _, p := range pairs {
			v, ok := d.asJSON(p.value)
			if !ok {
				return nil, false
			}
			object[p.name] = v
		}
		return object, len(d.problems.list) == 0
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, false
	}
	switch v := v.(type) {
	case nil, bool, string, int, int64, uint64:
		return v, true
	case float64:
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v, true
		}
	}
	return n.Value, true
}

// TestSchemaAgreement runs all specs of the other tests.
func TestSchemaAgreement(t *testing.T) {
	schema := compiled(t)
	for _, data := range corpus(t) {
		checkAgreement(t, schema, data)
	}
}

// TestSchemaRefuses: a table of shapes, one for each kind of key.
func TestSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	for _, text := range []string{
		"", "[]", "x", "build: {mian: x}", "x: 1", "build: []", "build: {tags: netgo}", "build: {tags: [[a]]}", "build: {args: [a]}",
		"build: {args: {a: {b: c}}}", "build: {pgo: auto}", "build: {fips: latest}", "build: {private: {ssh: default}}", "image: {health: {}}",
		"runtime: {rehearse: {for: 0s}}", "runtime: {rehearse: {for: 2}}", "runtime: {rehearse: {expect: healthy}}", "runtime: {memory: {max: [1]}}", "runtime: {memory: {max: 512M}}", "runtime: {memory: {headroom: 10}}",
		"runtime: {pids: \"5\"}", "runtime: {pids: 0}", "runtime: {cpu: {weight: 1.5}}", "runtime: {cpu: {max: true}}", "image: {tzdata: \"true\"}",
		"image: {caRoots: []}", "image: {caRoots: {}}", "image: {files: [{from: a}]}", "image: {files: {from: a, to: /a}}", "name: ~", "name: \"\"", "runtime: {cgroup: v1}",
	} {
		data := []byte(header + text + "\n")
		if text == "" || text == "[]" || text == "x" {
			data = []byte(text)
		}
		var instance any
		if err := yaml.Unmarshal(data, &instance); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse("plimsoll.yaml", data); err == nil || schema.Validate(instance) == nil {
			t.Errorf("%s: Parse says %v, the schema %v", data, err, schema.Validate(instance))
		}
	}
}

// corpus are all specs under testdata and some that lie between them.
func corpus(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := [][]byte{[]byte(withArgs), Template("", ""), Template("a", "./b"), []byte(header + "x-a: {b: [1, ~]}\nbuild: {x-b: 2}\n")}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

func FuzzSchemaAgreement(f *testing.F) {
	schema := compiled(f)
	for _, data := range corpus(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<16 && !strings.Contains(string(data), "\x00") {
			checkAgreement(t, schema, data)
		}
	})
}
