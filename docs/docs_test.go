// Package docs_test holds the documentation to the code: keys, labels, numbers and
// examples in these pages are the ones that the packages know.
package docs_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/rootdata"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

var code = regexp.MustCompile("`([^`]+)`")

func page(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// node is what this test reads of a JSON Schema.
type node struct {
	Ref        string           `json:"$ref"`
	Items      *node            `json:"items"`
	Properties map[string]*node `json:"properties"`
	Defs       map[string]*node `json:"$defs"`
}

// keys are the key paths of the schema; the value says whether it is a leaf.
func (n *node) keys(defs map[string]*node, prefix string, out map[string]bool) {
	for name, child := range n.Properties {
		path := prefix + name
		target, below := child, path+"."
		if child.Items != nil {
			target, below = child.Items, path+"[]."
		}
		if def, ok := defs[strings.TrimPrefix(target.Ref, "#/$defs/")]; ok {
			target = def
		}
		out[path] = len(target.Properties) == 0
		target.keys(defs, below, out)
	}
}

func schemaKeys(t *testing.T) map[string]bool {
	t.Helper()
	data, err := spec.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root node
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	if def, ok := root.Defs[strings.TrimPrefix(root.Ref, "#/$defs/")]; ok {
		root.Properties = def.Properties
	}
	keys := map[string]bool{}
	root.keys(root.Defs, "", keys)
	return keys
}

// tableKeys are the key paths in the first columns of spec.md's tables: a heading
// gives the prefix, and ".ldflags" stands for a sibling of the key before it.
func tableKeys(text string) map[string]bool {
	prefixes := map[string]string{"## Top level": "", "## build": "build.", "## image": "image.", "## runtime": "runtime."}
	keys := map[string]bool{}
	prefix, inside, table := "", false, ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "## ") {
			prefix, inside = prefixes[line], slices.Contains(slices.Collect(maps.Keys(prefixes)), line)
		}
		if !strings.HasPrefix(line, "|") {
			table = ""
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if table == "" {
			table = first
		}
		if !inside || table != "key" {
			continue
		}
		last := ""
		for _, m := range code.FindAllStringSubmatch(first, -1) {
			key := m[1]
			if strings.HasPrefix(key, ".") {
				key = last[:strings.LastIndexByte(last, '.')] + key
			}
			keys[prefix+key], last = true, key
		}
	}
	return keys
}

func TestSpecPageHasEveryKey(t *testing.T) {
	known, documented := schemaKeys(t), tableKeys(page(t, "spec.md"))
	if len(known) < 40 {
		t.Fatalf("the schema has only %d keys: this test reads it wrongly", len(known))
	}
	for key, leaf := range known {
		if leaf && !documented[key] {
			t.Errorf("spec.md has no row for %s", key)
		}
	}
	for key := range documented {
		if _, ok := known[key]; !ok {
			t.Errorf("spec.md documents %s, which the schema does not have", key)
		}
	}
}

func TestLabelsPage(t *testing.T) {
	text := page(t, "labels.md")
	documented := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !strings.HasPrefix(line, "| `"+tuning.Prefix) {
			continue
		}
		last := ""
		for _, m := range code.FindAllStringSubmatch(first, -1) {
			key := m[1]
			if strings.HasPrefix(key, ".") {
				key = tuning.Prefix + "runtime" + key
			}
			documented[key], last = true, key
		}
		if last == "" {
			t.Errorf("no label in %q", line)
		}
	}
	for key := range documented {
		if !tuning.Known(key) {
			t.Errorf("labels.md documents %s, which is no label", key)
		}
	}
	for _, key := range append(tuning.Required(), tuning.LabelGOGC, tuning.LabelGODEBUG, tuning.LabelMemoryMax,
		tuning.LabelMemoryHigh, tuning.LabelCPUMax, tuning.LabelCPUWeight, tuning.LabelCPUSet, tuning.LabelPids) {
		if !documented[key] {
			t.Errorf("labels.md lacks %s", key)
		}
	}
}

// Each row "| `max: …` | … (`BYTES`) |" of runtime.md is what the arithmetic gives.
func TestRuntimePageComputes(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `(max: [^`]+)` \\| ([^|]*) \\|$")
	bytes := regexp.MustCompile("\\(`([0-9]+)`\\)")
	rows := row.FindAllStringSubmatch(page(t, "runtime.md"), -1)
	if len(rows) < 5 {
		t.Fatalf("only %d rows of the memory table found", len(rows))
	}
	for _, r := range rows {
		src := "apiVersion: plimsoll.build/v1\nruntime: {memory: {" + r[1] + "}}\n"
		if before, after, ok := strings.Cut(r[1], ", memlimit: "); ok {
			src = "apiVersion: plimsoll.build/v1\nruntime: {memory: {" + before + "}, memlimit: " + after + "}\n"
		}
		doc, err := spec.Parse("runtime.md", []byte(src))
		if err != nil {
			t.Errorf("%s: %v", r[1], err)
			continue
		}
		m := doc.Service.Runtime.Memory
		in := tuning.Memory{Max: int64(m.Max), High: int64(m.High), NonGo: int64(m.NonGo), Headroom: tuning.DefaultHeadroom}
		if m.Headroom != nil {
			in.Headroom = int(*m.Headroom)
		}
		limit, err := tuning.MemLimit(in)
		if doc.Service.Runtime.Memlimit == "off" {
			limit = tuning.Limit{}
		}
		var want int64
		if m := bytes.FindStringSubmatch(r[2]); m != nil {
			want, _ = strconv.ParseInt(m[1], 10, 64)
		}
		if err != nil || limit.Bytes != want {
			t.Errorf("%s: the page says %q, the arithmetic %d, %v", r[1], r[2], limit.Bytes, err)
		}
	}
}

func TestSpecPageNamesTheExcludedRoots(t *testing.T) {
	text := page(t, "spec.md")
	for _, name := range rootdata.ExcludedRoots() {
		if !strings.Contains(text, "`"+strings.TrimPrefix(name, "CN=")+"`") {
			t.Errorf("spec.md does not name the excluded root %s", name)
		}
	}
}

// The rules' own links point to these headings.
func TestVerifyPageHasEveryRule(t *testing.T) {
	_, section, _ := strings.Cut(page(t, "verify.md"), "\n## Rules\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var documented, known []string
	for line := range strings.SplitSeq(section, "\n") {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			documented = append(documented, name)
		}
	}
	for _, r := range verify.Rules() {
		known = append(known, r.Name)
		if r.Docs != "docs/verify.md#"+r.Name {
			t.Errorf("rule %s points to %s", r.Name, r.Docs)
		}
	}
	if !slices.Equal(documented, known) {
		t.Errorf("verify.md has the rules\n%v, the program\n%v", documented, known)
	}
}

func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "../*.md", "../examples/*/*.md", "../examples/*/*/*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no page matches %s: %v", pattern, err)
		}
		all = append(all, names...)
	}
	return all
}

func TestSpecsInPagesParse(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	found := 0
	for _, name := range pages(t) {
		for _, m := range block.FindAllStringSubmatch(page(t, name), -1) {
			src := m[1]
			switch {
			case strings.Contains(src, "apiVersion: plimsoll"):
			case strings.HasPrefix(src, "build:"), strings.HasPrefix(src, "image:"), strings.HasPrefix(src, "runtime:"):
				src = "apiVersion: " + spec.APIVersion + "\n" + src
			default:
				continue // another tool's YAML
			}
			found++
			if _, err := spec.Parse(name, []byte(src)); err != nil {
				t.Errorf("a spec in %s: %v", name, err)
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d specs found in the pages", found)
	}
}

func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	punctuation := regexp.MustCompile(`[^\w\- ]`) // GitHub leaves it out of an anchor
	for _, name := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(page(t, name), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(name), file)
			if file == "" {
				target = name
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
				continue
			}
			if anchor == "" {
				continue
			}
			anchors := map[string]bool{}
			for _, h := range heading.FindAllStringSubmatch(page(t, target), -1) {
				text := punctuation.ReplaceAllString(strings.ToLower(h[1]), "")
				anchors[strings.ReplaceAll(text, " ", "-")] = true
			}
			if !anchors[anchor] {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
	}
}
