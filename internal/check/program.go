package check

import (
	"debug/elf"
	"fmt"
	"io"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

// machines are the ELF machines of the architectures that Go builds Linux programs for.
var machines = map[string]elf.Machine{
	"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64,
	"loong64": elf.EM_LOONGARCH, "mips": elf.EM_MIPS, "mipsle": elf.EM_MIPS, "mips64": elf.EM_MIPS,
	"mips64le": elf.EM_MIPS, "ppc64": elf.EM_PPC64, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV,
	"s390x": elf.EM_S390,
}

// Program says why a file would not run on that architecture (as GOARCH names it) without a
// loader and libraries; nil if it would.
func Program(r io.ReaderAt, size int64, arch string) error {
	b, err := gobin.ReadHeaders(r, size)
	if err != nil {
		return notExecutable(err)
	}
	if err := forArchitecture(b, arch); err != nil {
		return err
	}
	return static(b)
}

func notExecutable(err error) error {
	return fmt.Errorf("it is no Linux executable, is its package main? (%w)", err)
}

func forArchitecture(b *gobin.Binary, arch string) error {
	if want, ok := machines[arch]; !ok || b.Machine != want {
		return fmt.Errorf("it is for %s, not for %s", b.Machine, arch)
	}
	if b.Type != elf.ET_EXEC && b.Type != elf.ET_DYN {
		return fmt.Errorf("it is no executable (%s)", b.Type)
	}
	return nil
}

// static judges by program headers and the dynamic section, which alone prove that a binary
// needs no loader and no library: ldd and Go's build info do not (-buildmode=pie).
func static(b *gobin.Binary) error {
	if b.HasInterp {
		return fmt.Errorf("it is not static: it asks for a loader (PT_INTERP %s)", b.Interp)
	}
	if len(b.Needed) > 0 {
		return fmt.Errorf("it is not static: it needs %q", b.Needed)
	}
	return nil
}

// Hook says why a program lacks the start-up hook, whose function its function table must
// name; nil if it is there. The go command says nothing about a file that no package took.
func Hook(r io.ReaderAt, size int64, function string) error {
	b, err := gobin.Read(r, size)
	if err != nil {
		return notExecutable(err)
	}
	if b.FunctionsErr != nil {
		return fmt.Errorf("looking for the start-up hook: %w", b.FunctionsErr)
	}
	if !slices.Contains(slices.Collect(b.Functions.All()), function) {
		return fmt.Errorf("the start-up hook is not in it: there is no function %s; use memlimit: env", function)
	}
	return nil
}
