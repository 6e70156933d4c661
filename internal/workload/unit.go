package workload

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// parseUnit reads a systemd unit or a Quadlet file. Limits stand in [Service] or
// [Slice]; a Quadlet's [Container] adds image, environment and mounts.
func parseUnit(data []byte, main string) ([]Container, error) {
	c, section, found := Container{Line: 1, form: inUnit}, "", false
	text := ""
	start := 0
	line := 0
	for raw := range strings.SplitSeq(string(data), "\n") {
		line++
		if text == "" {
			start = line
		}
		part := strings.TrimSpace(raw)
		if strings.HasPrefix(part, "#") || strings.HasPrefix(part, ";") {
			continue
		}
		text += part
		if rest, more := strings.CutSuffix(text, `\`); more {
			text = rest + " "
			continue
		}
		switch key, value, ok := strings.Cut(text, "="); {
		case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
			section = text[1 : len(text)-1]
			if section == main {
				found, c.Line = true, start
			}
		case !ok:
		case section == "Service" || section == main:
			c.limits(strings.TrimSpace(key), strings.TrimSpace(value), start)
			if section == main { // the environment of a Quadlet's [Service] is podman's own
				c.directive(strings.TrimSpace(key), strings.TrimSpace(value), start)
			}
		}
		text = ""
	}
	if !found {
		return nil, nil
	}
	return []Container{c}, nil
}

// limits are the settings of a cgroup.
func (c *Container) limits(key, value string, line int) {
	switch key {
	case "MemoryMax", "Memory":
		c.unitAmount(&c.MemoryMax, value, line)
	case "MemoryHigh":
		c.unitAmount(&c.MemoryHigh, value, line)
	case "CPUQuota":
		c.quota(value, line)
	case "ExecStart":
		if words := quoted(value); len(words) > 1 && slices.Contains(words, "run") && slices.Contains([]string{"podman", "docker", "nerdctl"}, path.Base(words[0])) {
			c.unread = append(c.unread, Text{"ExecStart starts a container, of which the arguments are not read: write a Quadlet file", line})
		}
	}
}

// quota is a percentage of one CPU; an empty one takes back what stood before.
func (c *Container) quota(value string, line int) {
	digits, percent := strings.CutSuffix(value, "%")
	n, err := number(digits)
	if value == "" {
		c.CPU = Amount{}
		return
	}
	if err == nil && percent {
		if milli, err := scaled(n, 10); err == nil {
			c.CPU = Amount{Value: milli, Line: line}
			return
		}
	}
	c.unreadable(&c.CPU, fmt.Errorf("%q: not a percentage such as 50%%", value), line)
}

func (c *Container) directive(key, value string, line int) {
	switch key {
	case "Environment":
		c.unitEnv(value, line)
	case "EnvironmentFile", "EnvironmentHost":
		c.EnvFrom = append(c.EnvFrom, Text{strings.TrimSpace(key + " " + value), line})
	case "PassEnvironment", "UnsetEnvironment":
		for _, name := range quoted(value) {
			c.Env = append(c.Env, Variable{Name: name, Line: line})
		}
	case "PodmanArgs", "GlobalArgs":
		c.unread = append(c.unread, Text{key + "=" + value + " is not read", line})
	case "Image":
		c.Image = value
	case "ContainerName":
		c.Name = value
	case "User":
		c.User = Text{value, line}
	case "ReadOnly":
		c.ReadOnly = Text{value, line}
	case "Volume", "Tmpfs", "Mount":
		c.Mounts = append(c.Mounts, Text{unitMount(key, value), line})
	}
}

// unitEnv adds variables. %-specifiers are systemd's to resolve, and an empty list takes
// back what stood before.
func (c *Container) unitEnv(value string, line int) {
	if value == "" {
		c.Env = nil
	}
	for _, word := range quoted(value) {
		name, v, _ := strings.Cut(word, "=")
		c.Env = append(c.Env, Variable{name, v, !strings.Contains(v, "%"), line})
	}
}

// unitMount is the container's side of a mount.
func unitMount(key, value string) string {
	switch key {
	case "Mount":
		for field := range strings.SplitSeq(value, ",") {
			if name, target, ok := strings.Cut(field, "="); ok && slices.Contains([]string{"destination", "dst", "target"}, name) {
				return target
			}
		}
		return ""
	case "Tmpfs":
		target, _, _ := strings.Cut(value, ":")
		return target
	}
	_, target, ok := strings.Cut(value, ":")
	if !ok {
		target = value
	}
	target, _, _ = strings.Cut(target, ":")
	return target
}

func (c *Container) unitAmount(to *Amount, value string, line int) {
	size, limited, err := unitSize(value)
	switch {
	case errors.Is(err, errShare):
		*to = Amount{Line: line, Unknown: fmt.Sprintf("%q is %v", value, err)}
	case err != nil:
		c.unreadable(to, err, line)
	case limited:
		*to = Amount{Value: size, Line: line}
	default:
		*to = Amount{}
	}
}

// quoted are the words of a line, of which quotes hold spaces together.
func quoted(s string) []string {
	var words []string
	var word strings.Builder
	quote, inWord := rune(0), false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
