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
		found = append(found, service(keys[i], n))
	}
	return found
}

func service(key, n node) Container {
	c := Container{Line: key.line(), Name: key.text(), Image: n.get("image").text(), form: inCompose}
	limits, reserved := n.path("deploy", "resources", "limits"), n.path("deploy", "resources", "reservations")
	c.amount(&c.MemoryMax, n.get("mem_limit"), RAM)
	c.amount(&c.MemoryMax, limits.get("memory"), RAM)
	c.amount(&c.MemoryRequest, n.get("mem_reservation"), RAM)
	c.amount(&c.MemoryRequest, reserved.get("memory"), RAM)
	c.amount(&c.CPU, n.get("cpus"), cores)
	c.amount(&c.CPU, limits.get("cpus"), cores)
	for key, to := range map[string]*Text{"user": &c.User, "read_only": &c.ReadOnly} {
		if v := n.get(key); v.text() != "" {
			*to = Text{v.text(), v.line()}
		}
	}
	c.composeEnv(n.get("environment"))
	for _, file := range oneOrMore(n.get("env_file")) {
		c.EnvFrom = append(c.EnvFrom, Text{strings.TrimSpace("env_file " + file.text() + file.get("path").text()), file.line()})
	}
	if extends := n.get("extends"); extends.Node != nil {
		c.unread = append(c.unread, Text{"extends brings settings from elsewhere: give the output of docker compose config", extends.line()})
	}
	for _, v := range n.get("volumes").items() {
		c.Mounts = append(c.Mounts, Text{mountTarget(v), v.line()})
	}
	for _, v := range oneOrMore(n.get("tmpfs")) {
		target, _, _ := strings.Cut(v.text(), ":")
		c.Mounts = append(c.Mounts, Text{target, v.line()})
	}
	return c
}

// oneOrMore are the items of a list, or what stands in the place of a list of one.
func oneOrMore(n node) []node {
	if n.text() != "" {
		return []node{n}
	}
	return n.items()
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
