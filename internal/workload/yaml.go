package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxDocuments = 1000

// node is a YAML value; its zero value is none, and all lookups in it find none.
type node struct{ *yaml.Node }

// get is the value of a key.
func (n node) get(key string) node {
	n = n.target()
	if n.Node == nil || n.Kind != yaml.MappingNode {
		return node{}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return node{n.Content[i+1]}.target()
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 { // what an anchor brings is weaker
		if n.Content[i].Tag == "!!merge" && n.Content[i+1].Kind == yaml.AliasNode {
			merged := node{n.Content[i+1].Alias}
			for j := 0; merged.Kind == yaml.MappingNode && j+1 < len(merged.Content); j += 2 {
				if merged.Content[j].Value == key {
					return node{merged.Content[j+1]}.target()
				}
			}
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

// entries are the keys and values of a mapping, in order.
func (n node) entries() (keys, values []node) {
	if n.Node == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys, values = append(keys, node{n.Content[i]}), append(values, node{n.Content[i+1]}.target())
	}
	return keys, values
}

// parseYAML reads Kubernetes objects and Compose files.
func parseYAML(data []byte) (found []Container, err error) {
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
			return nil, fmt.Errorf("the YAML cannot be read: %w", err)
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
