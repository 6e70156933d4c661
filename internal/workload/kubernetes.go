package workload

import "strings"

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
	for _, n := range pod.get("initContainers").items() {
		c := kubernetes(pod, n)
		c.Init = n.get("restartPolicy").text() != "Always" // which makes it a sidecar
		found = append(found, c)
	}
	return found, nil
}

func kubernetes(pod, n node) Container {
	c := Container{Line: n.line(), Name: n.get("name").text(), Image: n.get("image").text(), form: inKubernetes}
	ofBytes := func(s string) (int64, error) { return Quantity(s, 1) }
	c.amount(&c.MemoryMax, n.path("resources", "limits", "memory"), ofBytes)
	c.amount(&c.MemoryRequest, n.path("resources", "requests", "memory"), ofBytes)
	c.amount(&c.CPU, n.path("resources", "limits", "cpu"), func(s string) (int64, error) { return Quantity(s, 1000) })
	c.ofPod(&c.MemoryMax, pod.path("resources", "limits", "memory"))
	c.ofPod(&c.CPU, pod.path("resources", "limits", "cpu"))
	c.kubernetesEnv(n)
	for _, context := range []node{pod.get("securityContext"), n.get("securityContext")} {
		for key, to := range map[string]*Text{"runAsUser": &c.User, "runAsNonRoot": &c.NonRoot, "readOnlyRootFilesystem": &c.ReadOnly} {
			if v := context.get(key); v.text() != "" {
				*to = Text{v.text(), v.line()}
			}
		}
	}
	for _, m := range n.get("volumeMounts").items() {
		c.Mounts = append(c.Mounts, Text{m.get("mountPath").text(), m.line()})
	}
	return c
}

// ofPod takes a limit of the whole pod, which its containers share, for one that is not known.
func (c *Container) ofPod(to *Amount, limit node) {
	if to.Line == 0 && limit.text() != "" {
		*to = Amount{Line: limit.line(), Unknown: "the limit is the pod's, which its containers share"}
	}
}

func (c *Container) kubernetesEnv(n node) {
	for _, e := range n.get("env").items() {
		v := Variable{Name: e.get("name").text(), Value: e.get("value").text(), Line: e.line()}
		v.Known = e.get("valueFrom").Node == nil && !strings.Contains(v.Value, "$(")
		if ref := e.path("valueFrom", "resourceFieldRef"); ref.get("resource").text() == "limits.memory" && ref.get("divisor").text() == "" && c.MemoryMax.known() {
			v.Value, v.Known = decimal(c.MemoryMax.Value), true // the downward API writes the limit itself
		}
		c.Env = append(c.Env, v)
	}
	for _, e := range n.get("envFrom").items() {
		source := "envFrom"
		for _, kind := range []string{"configMapRef", "secretRef"} {
			if name := e.path(kind, "name").text(); name != "" {
				source += " " + strings.TrimSuffix(kind, "Ref") + " " + name
			}
		}
		c.EnvFrom = append(c.EnvFrom, Text{source, e.line()})
	}
}

// amount reads a limit; one that cannot be read is a problem of its own, and one that is
// written with a variable is not known.
func (c *Container) amount(to *Amount, n node, read func(string) (int64, error)) {
	if n.text() == "" {
		return
	}
	value, err := read(n.text())
	switch {
	case strings.Contains(n.text(), "$"):
		*to = Amount{Line: n.line(), Unknown: "the value comes from elsewhere"}
	case err != nil:
		c.unreadable(to, err, n.line())
	default:
		*to = Amount{Value: value, Line: n.line()}
	}
}

// unreadable is a limit that is wrong; there is nothing more to say of it.
func (c *Container) unreadable(to *Amount, err error, line int) {
	c.problems = append(c.problems, Finding{Where: "limit", Got: err.Error(), Want: "a value that can be read", Line: line})
	*to = Amount{Line: line, Unknown: "the value cannot be read"}
}
