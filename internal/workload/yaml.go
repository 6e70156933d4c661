package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll-build/plimsoll/internal/excerpt"
)

const maxDocuments = 1000

// node is a YAML value; its zero value is none, and all lookups in it find none.
type node struct{ *yaml.Node }

// get is the value of a key.
func (n node) get(key string) node {
	keys, values := n.entries()
	for i := range keys {
		if keys[i].Value == key {
			return values[i]
		}
	}
	return node{}
}

func (n node) path(keys ...string) node {
	for _, key := range keys {
		n = n.get(key)
	}
	return n
}

// target follows one alias: an alias cannot be of an alias.
func (n node) target() node {
	if n.Node != nil && n.Kind == yaml.AliasNode {
		return node{n.Alias}
	}
	return n
}

func (n node) text() string {
	if n.Node == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

func (n node) line() int {
	if n.Node == nil {
		return 0
	}
	return n.Line
}

func (n node) items() []node {
	if n.Node == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var all []node
	for _, item := range n.Content {
		all = append(all, node{item}.target())
	}
	return all
}

// entries are the keys and values of a mapping, in order, and after them what it merges:
// a key that stands before is the stronger one.
func (n node) entries() (keys, values []node) {
	m := merging{seen: map[string]bool{}, visited: map[*yaml.Node]bool{}}
	m.mapping(n.target())
	return m.keys, m.values
}

// merging flattens mappings. Each node counts once, so that no file can make it long.
type merging struct {
	keys, values []node
	seen         map[string]bool
	visited      map[*yaml.Node]bool
}

func (m *merging) mapping(n node) {
	if n.Node == nil || n.Kind != yaml.MappingNode || m.visited[n.Node] {
		return
	}
	m.visited[n.Node] = true
	var merged []node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := node{n.Content[i]}, node{n.Content[i+1]}.target()
		switch {
		case key.Tag == "!!merge":
			merged = append(append(merged, value), value.items()...)
		case !m.seen[key.Value]:
			m.seen[key.Value] = true
			m.keys, m.values = append(m.keys, key), append(m.values, value)
		}
	}
	for _, other := range merged {
		m.mapping(other)
	}
}

// syntaxError names file and line already.
type syntaxError struct{ error }

// parseYAML reads Kubernetes objects and Compose files.
func parseYAML(file string, data []byte) (found []Container, err error) {
	defer func() {
		if v := recover(); v != nil {
			found, err = nil, fmt.Errorf("the YAML parser gave up: %v", v)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var kinds []string
	for n := 0; ; n++ {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, syntaxError{excerpt.YAML(file, data, err)}
		}
		if n == maxDocuments {
			return nil, fmt.Errorf("more than %d documents", maxDocuments)
		}
		root := node{doc.Content[0]}
		if services := root.get("services"); services.Node != nil && root.get("kind").Node == nil {
			found = append(found, compose(services)...)
			continue
		}
		more, unknown := objects(root)
		found, kinds = append(found, more...), append(kinds, unknown...)
	}
	if len(found) == 0 && len(kinds) > 0 {
		return nil, fmt.Errorf("no container in objects of kind %s: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod and List are understood, and Compose files", strings.Join(kinds[:min(len(kinds), 10)], ", "))
	}
	return found, nil
}
