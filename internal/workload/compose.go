package workload

import (
	"strconv"
	"strings"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// compose are the services of a Compose file.
func compose(services node) []Container {
	var found []Container
	keys, values := services.entries()
	for i, n := range values {
		c := Container{Line: keys[i].line(), Name: keys[i].text(), Image: n.get("image").text()}
		for _, limit := range []node{n.get("mem_limit"), n.path("deploy", "resources", "limits", "memory")} {
			c.amount(&c.MemoryMax, limit, RAM)
		}
		for _, request := range []node{n.get("mem_reservation"), n.path("deploy", "resources", "reservations", "memory")} {
			c.amount(&c.MemoryRequest, request, RAM)
		}
		for _, limit := range []node{n.get("cpus"), n.path("deploy", "resources", "limits", "cpus")} {
			c.amount(&c.CPU, limit, cores)
		}
		if user := n.get("user"); user.text() != "" {
			c.User = Text{user.text(), user.line()}
		}
		c.composeEnv(n.get("environment"))
		for _, v := range n.get("volumes").items() {
			c.Mounts = append(c.Mounts, Text{mountTarget(v), v.line()})
		}
		for _, v := range n.get("tmpfs").items() {
			target, _, _ := strings.Cut(v.text(), ":")
			c.Mounts = append(c.Mounts, Text{target, v.line()})
		}
		found = append(found, c)
	}
	return found
}

// composeEnv reads both forms. A name alone, and what ${} stands for, come from the
// machine that starts it.
func (c *Container) composeEnv(n node) {
	add := func(name, value string, known bool, line int) {
		c.Env = append(c.Env, Variable{name, value, known && !strings.Contains(value, "$"), line})
	}
	for _, item := range n.items() {
		name, value, known := strings.Cut(item.text(), "=")
		add(name, value, known, item.line())
	}
	keys, values := n.entries()
	for i := range keys {
		add(keys[i].text(), values[i].text(), values[i].Tag != "!!null", keys[i].line())
	}
}

// mountTarget is the container's side of a volume: TARGET, SOURCE:TARGET[:MODE] or a
// mapping.
func mountTarget(n node) string {
	if n.get("target").Node != nil {
		return n.get("target").text()
	}
	parts := strings.Split(n.text(), ":")
	if len(parts) > 1 {
		return parts[1]
	}
	return parts[0]
}
