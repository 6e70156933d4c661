package workload

// podPaths say where an object keeps its pod's spec.
var podPaths = map[string][]string{
	"Pod":         {"spec"},
	"Deployment":  {"spec", "template", "spec"},
	"StatefulSet": {"spec", "template", "spec"},
	"DaemonSet":   {"spec", "template", "spec"},
	"ReplicaSet":  {"spec", "template", "spec"},
	"Job":         {"spec", "template", "spec"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template", "spec"},
}

// objects are the containers of an object, or of a list's; unknown are other kinds.
func objects(root node) (found []Container, unknown []string) {
	kind := root.get("kind").text()
	if kind == "List" {
		for _, item := range root.get("items").items() {
			if item.get("kind").text() == "List" {
				continue // Kubernetes has no lists of lists
			}
			more, others := objects(item)
			found, unknown = append(found, more...), append(unknown, others...)
		}
		return found, unknown
	}
	where, ok := podPaths[kind]
	if !ok {
		if kind == "" {
			kind = "(none)"
		}
		return nil, []string{kind}
	}
	pod := root.path(where...)
	for _, c := range pod.get("containers").items() {
		found = append(found, kubernetes(pod, c))
	}
	return found, nil
}

func kubernetes(pod, n node) Container {
	c := Container{Line: n.line(), Name: n.get("name").text(), Image: n.get("image").text()}
	c.amount(&c.MemoryMax, n.path("resources", "limits", "memory"), func(s string) (int64, error) { return Quantity(s, 1) })
	c.amount(&c.MemoryRequest, n.path("resources", "requests", "memory"), func(s string) (int64, error) { return Quantity(s, 1) })
	c.amount(&c.CPU, n.path("resources", "limits", "cpu"), func(s string) (int64, error) { return Quantity(s, 1000) })
	for _, e := range n.get("env").items() {
		v := Variable{Name: e.get("name").text(), Value: e.get("value").text(), Known: e.get("valueFrom").Node == nil, Line: e.line()}
		if ref := e.path("valueFrom", "resourceFieldRef"); ref.get("resource").text() == "limits.memory" && ref.get("divisor").text() == "" && c.MemoryMax.Line > 0 {
			v.Value, v.Known = decimal(c.MemoryMax.Value), true // the downward API writes the limit itself
		}
		c.Env = append(c.Env, v)
	}
	for _, context := range []node{pod.get("securityContext"), n.get("securityContext")} {
		if user := context.get("runAsUser"); user.text() != "" {
			c.User = Text{user.text(), user.line()}
		}
	}
	for _, m := range n.get("volumeMounts").items() {
		c.Mounts = append(c.Mounts, Text{m.get("mountPath").text(), m.line()})
	}
	return c
}

// amount reads a limit; one that cannot be read is a problem of its own.
func (c *Container) amount(to *Amount, n node, read func(string) (int64, error)) {
	if n.text() == "" {
		return
	}
	value, err := read(n.text())
	if err != nil {
		c.problems = append(c.problems, Finding{Where: "limit", Got: err.Error(), Want: "a value that can be read", Line: n.line()})
		return
	}
	*to = Amount{value, n.line()}
}
