package workload

import (
	"strings"
)

// parseUnit reads a systemd unit or a Quadlet file. Limits stand in [Service] or
// [Slice]; a Quadlet's [Container] adds image, environment and mounts.
func parseUnit(data []byte, main string) ([]Container, error) {
	c, section, found := Container{Line: 1}, "", false
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
		case ok && (section == "Service" || section == main):
			c.directive(strings.TrimSpace(key), strings.TrimSpace(value), start)
		}
		text = ""
	}
	if !found {
		return nil, nil
	}
	return []Container{c}, nil
}

func (c *Container) directive(key, value string, line int) {
	switch key {
	case "MemoryMax", "Memory":
		c.unitAmount(&c.MemoryMax, value, line)
	case "MemoryHigh":
		c.unitAmount(&c.MemoryHigh, value, line)
	case "CPUQuota":
		if n, err := number(strings.TrimSuffix(value, "%")); err == nil && strings.HasSuffix(value, "%") {
			if milli, err := scaled(n, 10); err == nil {
				c.CPU = Amount{milli, line}
			}
		} else if value != "" {
			c.problems = append(c.problems, Finding{Where: key, Got: value, Want: "a percentage such as 50%", Line: line})
		}
	case "Environment":
		for _, word := range quoted(value) {
			name, v, _ := strings.Cut(word, "=")
			c.Env = append(c.Env, Variable{name, v, !strings.Contains(v, "%"), line})
		}
	case "Image":
		c.Image = value
	case "ContainerName":
		c.Name = value
	case "User":
		c.User = Text{value, line}
	case "Volume":
		_, target, ok := strings.Cut(value, ":")
		if !ok {
			target = value
		}
		target, _, _ = strings.Cut(target, ":")
		c.Mounts = append(c.Mounts, Text{target, line})
	case "Tmpfs":
		target, _, _ := strings.Cut(value, ":")
		c.Mounts = append(c.Mounts, Text{target, line})
	}
}

func (c *Container) unitAmount(to *Amount, value string, line int) {
	size, limited, err := unitSize(value)
	switch {
	case err != nil:
		c.problems = append(c.problems, Finding{Where: "limit", Got: err.Error(), Want: "a value that can be read", Line: line})
	case limited:
		*to = Amount{size, line}
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
