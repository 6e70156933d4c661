package spec

import "go.yaml.in/yaml/v3"

// Bounds of a document, its aliases written out. They are far above any real
// spec and far below what could hurt.
const (
	maxNodes = 20_000
	maxDepth = 100
)

// extent is how much a node is with its aliases written out.
type extent struct{ nodes, bytes, depth int }

// meter measures a document before anything is decoded, in one pass over the
// nodes as written: an alias costs a look-up, whatever it stands for.
type meter struct {
	*problems
	extents map[*yaml.Node]extent
	stopped bool
}

// measure returns the extent of a node that stands level mappings and lists deep.
func (m *meter) measure(n *yaml.Node, level int) extent {
	if n.Kind == yaml.AliasNode {
		e, complete := m.extents[n.Alias]
		switch {
		case !complete:
			m.stop(n, "alias-cycle", "the alias *%s stands inside its own anchor", n.Value)
		case level+e.depth > maxDepth:
			m.stop(n, "too-deep", "the alias *%s nests over %d levels", n.Value, maxDepth)
		}
		return e
	}
	if level >= maxDepth {
		m.stop(n, "too-deep", "the document nests over %d levels", maxDepth)
		return extent{}
	}
	e := extent{nodes: 1, bytes: len(n.Value), depth: 1}
	for _, child := range n.Content {
		c := m.measure(child, level+1)
		if m.stopped {
			return extent{}
		}
		e.nodes, e.bytes, e.depth = e.nodes+c.nodes, e.bytes+c.bytes, max(e.depth, c.depth+1)
		if e.nodes > maxNodes || e.bytes > maxDocument {
			m.stop(child, "too-large", "the document has more than %d values or %d bytes with its aliases written out", maxNodes, maxDocument)
			return extent{}
		}
	}
	if n.Anchor != "" {
		m.extents[n] = e
	}
	return e
}

func (m *meter) stop(n *yaml.Node, rule, format string, args ...any) {
	m.stopped = true
	m.add(m.source.position(n.Line, n.Column), "", rule, "", format, args...)
}
