package spec

import "go.yaml.in/yaml/v3"

// pair is one key of a mapping and its value.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs are the keys of a mapping: those written in it, then those of its merge
// key (<<) that it does not have itself.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	var out []pair
	var merged *yaml.Node
	first := map[string]Position{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := d.keyName(key, path)
		if !ok {
			continue
		}
		if at, ok := first[name]; ok {
			d.fail(key, joinKey(path, name), "duplicate-key", "", "the key %s stands here again; first on line %d", quote(name), at.Line)
			continue
		}
		first[name] = d.position(key)
		if isMergeKey(key) {
			merged = value
			continue
		}
		out = append(out, pair{name, key, value})
	}
	if merged == nil {
		return out
	}
	for _, p := range d.merge(merged, path) {
		if _, ok := first[p.name]; !ok {
			out = append(out, p)
		}
	}
	return out
}

// merge are the keys that a merge key brings: those of a mapping, or of a list of
// mappings of which the earlier win.
func (d *decoder) merge(n *yaml.Node, path string) []pair {
	switch target := dealias(n); target.Kind {
	case yaml.MappingNode:
		return d.pairs(target, path)
	case yaml.SequenceNode:
		var out []pair
		seen := map[string]bool{}
		for _, item := range target.Content {
			if dealias(item).Kind != yaml.MappingNode {
				d.fail(item, joinKey(path, "<<"), "merge-key", "", "a merge key takes mappings, not %s", kindOf(item))
				continue
			}
			for _, p := range d.pairs(dealias(item), path) {
				if !seen[p.name] {
					seen[p.name] = true
					out = append(out, p)
				}
			}
		}
		return out
	}
	d.fail(n, joinKey(path, "<<"), "merge-key", "", "a merge key takes a mapping or a list of mappings, not %s", kindOf(n))
	return nil
}

func (d *decoder) keyName(key *yaml.Node, path string) (string, bool) {
	n := dealias(key)
	if n.Kind != yaml.ScalarNode {
		d.fail(key, path, "key-type", "", "a key is a word, not %s", kindOf(key))
		return "", false
	}
	return n.Value, d.untagged(n, path)
}

func isMergeKey(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!merge" && plain(n)
}

// isFree reports whether a key belongs to the user alone.
func isFree(name string) bool { return len(name) >= 2 && name[:2] == "x-" }

func dealias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func plain(n *yaml.Node) bool {
	return n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// isNull reports a value that is missing or spelled out as null.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && plain(n) && n.Tag == "!!null"
}

func kindOf(n *yaml.Node) string {
	switch n = dealias(n); {
	case isNull(n):
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	return "the value " + quote(n.Value)
}
