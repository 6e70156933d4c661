package verify

import (
	"debug/elf"
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

// machines is what the kernel of each architecture loads.
var machines = map[string]struct {
	machine elf.Machine
	class   elf.Class
	data    elf.Data
}{
	"386":      {elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"amd64":    {elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"arm":      {elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"arm64":    {elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"loong64":  {elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"mips":     {elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2MSB},
	"mipsle":   {elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"mips64":   {elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2MSB},
	"mips64le": {elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"ppc64":    {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2MSB},
	"ppc64le":  {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"riscv64":  {elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"s390x":    {elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB},
}

func judgePlatform(in *inspection) outcome {
	var t tally
	in.judgeDescriptor(&t)
	if in.config.OS != "linux" {
		t.unknown("platform %s: only linux is known", in.platformName())
		return t.outcome("")
	}
	want, ok := machines[in.config.Architecture]
	if !ok {
		t.unknown("architecture %q is not known", in.config.Architecture)
		return t.outcome("")
	}
	for _, p := range in.binaries(&t) {
		got := fmt.Sprintf("%s %s %s", p.bin.Machine, p.bin.Class, p.bin.Data)
		if w := fmt.Sprintf("%s %s %s", want.machine, want.class, want.data); got != w {
			t.fail(p.path, got, w+" of "+in.platformName())
		}
		in.judgeBuildPlatform(&t, p)
	}
	return t.outcome(in.platformName())
}

// judgeDescriptor holds the index's descriptor against the config.
func (in *inspection) judgeDescriptor(t *tally) {
	d := in.subject.Platform
	if d == nil {
		return
	}
	c := in.config.Platform
	if d.OS != c.OS || d.Architecture != c.Architecture || level(d.Architecture, d.Variant) != level(c.Architecture, c.Variant) {
		t.fail("index descriptor", d.String(), in.platformName()+" of the config")
	}
}

// judgeBuildPlatform holds what the binary says it was built for against the
// config: GOOS, GOARCH and the level of the architecture.
func (in *inspection) judgeBuildPlatform(t *tally, p program) {
	if p.bin.Build == nil {
		t.unknown("%s: %v", p.path, p.bin.BuildErr)
		return
	}
	c := in.config.Platform
	for _, s := range []struct{ key, want string }{{"GOOS", c.OS}, {"GOARCH", c.Architecture}} {
		if got, ok := p.bin.Setting(s.key); !ok {
			t.unknown("%s: the build info has no %s", p.path, s.key)
		} else if got != s.want {
			t.fail(p.path, s.key+"="+got, s.want+" of the config")
		}
	}
	key, value := levelSetting(p.bin, c.Architecture)
	if value == "" {
		return
	}
	got, want := level(c.Architecture, value), level(c.Architecture, c.Variant)
	finding := "level " + formatLevel(want) + " of " + in.platformName()
	switch {
	case got == unknownLevel || want == unknownLevel:
		t.unknown("%s: level %s=%s or variant %q is not known", p.path, key, value, c.Variant)
	case got > want && c.Variant == "":
		// Chosen with build.levels: the platform cannot say it, machines below will refuse to run it.
		t.warn(p.path, key+"="+value, finding)
	case got > want:
		t.fail(p.path, key+"="+value, finding)
	case got < want:
		t.warn(p.path, key+"="+value, finding)
	}
}

// levelSetting is the build info's level of an architecture; empty if it has none.
func levelSetting(b *gobin.Binary, arch string) (key, value string) {
	key = map[string]string{"amd64": "GOAMD64", "arm": "GOARM", "arm64": "GOARM64"}[arch]
	if key == "" {
		return "", ""
	}
	value, _ = b.Setting(key)
	return key, value
}

const unknownLevel = -1

// level is a variant or GOAMD64, GOARM, GOARM64 value as a number that orders
// them: ten times its version. No variant is the architecture's default, as
// containerd/platforms normalizes it.
func level(arch, s string) int {
	if s == "" {
		s = map[string]string{"amd64": "v1", "arm": "v7", "arm64": "v8"}[arch]
	}
	s, _, _ = strings.Cut(s, ",") // GOARM=6,softfloat; GOARM64=v8.0,lse
	major, minor, _ := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if major == "" {
		return 0
	}
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi("0" + minor)
	if errA != nil || errB != nil || b > 9 || a < 0 || a > 99 {
		return unknownLevel
	}
	return a*10 + b
}

func formatLevel(n int) string {
	if n%10 == 0 {
		return fmt.Sprintf("v%d", n/10)
	}
	return fmt.Sprintf("v%d.%d", n/10, n%10)
}
