package main

import (
	"bytes"
	"fmt"
	"strings"
)

const head = `# The lab

<!-- written by ` + "`make lab`" + ` (internal/lab), from running it; do not edit -->

What these pages say of Go and cgroup v2, on a kernel that has nothing else. A virtual machine in software emulation
boots Debian's cloud kernel with an initramfs that holds a small init and images of one service, built by plimsoll's
embedded engine: without a runtime section, with ` + "`memlimit: env`, with `memlimit: auto`, and with `go 1.24`" + ` in go.mod.
The init makes each trial's control groups, namespaces and mounts as container engines do, and runs the image's entrypoint as
its user. What was seen comes from exit codes, memory.events and what the service prints of itself, never from time.

`

// page is the documentation's page of a run.
func page(all []section, seen map[string]string, set setting) []byte {
	var out bytes.Buffer
	out.WriteString(head)
	fmt.Fprintf(&out, "| | |\n|---|---|\n| Go | %s |\n| kernel | %s (Debian's %s) |\n| controllers | %s |\n| processors | %d |\n",
		set.Go, set.Kernel, set.Package, set.Controllers, processors)
	for _, s := range all {
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n| claim | expected | seen |\n|---|---|---|\n", s.title, wrap(s.intro))
		for i, c := range s.claims {
			got := seen[s.name(i)]
			if got != c.expected {
				got = "**" + got + "**"
			}
			out.WriteString(tableRow(c, got))
		}
	}
	return out.Bytes()
}

func tableRow(c claim, seen string) string {
	return fmt.Sprintf("| %s | %s | %s |\n", c.says, c.expected, strings.ReplaceAll(seen, "|", `\|`))
}

// wrap breaks a paragraph at 120 columns.
func wrap(text string) string {
	var out strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > 120:
			out.WriteString("\n")
			column = 0
		default:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return out.String()
}
