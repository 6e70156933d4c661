package imagediff

import (
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"strings"
)

const maxSections = 4096

// elf compares two programs: functions first, since they are what a person can act
// on, then build info, then sections.
func (c *comparison) elf(name string, a, b *os.File) {
	one, err := openProgram(a)
	if err != nil {
		c.add(name+" ELF", err.Error(), "a program that can be read")
		return
	}
	other, err := openProgram(b)
	if err != nil {
		c.add(name+" ELF", "a program that can be read", err.Error())
		return
	}
	if one.file.FileHeader != other.file.FileHeader {
		c.add(name+" ELF header", fmt.Sprint(one.file.Machine, " ", one.file.Type), fmt.Sprint(other.file.Machine, " ", other.file.Type))
	}
	c.functions(name, one, other)
	c.buildInfo(name, a, b)
	c.sections(name, one, other)
}

// buildInfo compares line by line: settings and modules.
func (c *comparison) buildInfo(name string, a, b io.ReaderAt) {
	one, errA := buildinfo.Read(a)
	other, errB := buildinfo.Read(b)
	if errA != nil || errB != nil {
		if (errA == nil) != (errB == nil) {
			c.add(name+" build info", present(errA == nil), present(errB == nil))
		}
		return
	}
	left, right := lines(one.String()), lines(other.String())
	n := 0
	for _, line := range union(left, right) {
		if left[line] == right[line] {
			continue
		}
		if n++; n > maxDifferences {
			c.add(name+" build info", "more lines", "none")
			return
		}
		text := strings.ReplaceAll(line, "\t", " ")
		if left[line] {
			c.add(name+" build info", text, "no such line")
		} else {
			c.add(name+" build info", "no such line", text)
		}
	}
}

func lines(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		all[line] = true
	}
	return all
}

// sections names those of which the bytes differ.
func (c *comparison) sections(name string, a, b *program) {
	one, other := a.sums(), b.sums()
	for _, section := range union(one, other) {
		x, y := one[section], other[section]
		if x != y {
			c.add(name+" section "+section, x.String(), y.String())
		}
	}
}

// sectionSum is a section's length and digest; the zero value is none.
type sectionSum struct {
	size uint64
	sum  [sha256.Size]byte
}

func (s sectionSum) String() string {
	if s == (sectionSum{}) {
		return "absent"
	}
	return fmt.Sprintf("%d bytes, sha256 %x…", s.size, s.sum[:6])
}

func (p *program) sums() map[string]sectionSum {
	all := map[string]sectionSum{}
	for _, s := range p.file.Sections {
		if s.Name == "" {
			continue
		}
		sum := sectionSum{size: s.Size}
		if s.Type != elf.SHT_NOBITS {
			h := sha256.New()
			if _, err := io.Copy(h, io.NewSectionReader(p.data, int64(s.Offset), int64(min(s.FileSize, maxProgram)))); err == nil {
				copy(sum.sum[:], h.Sum(nil))
			}
		}
		all[s.Name] = sum
	}
	return all
}
