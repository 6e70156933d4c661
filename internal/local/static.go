package local

import (
	"debug/elf"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// machines are the ELF machines of the architectures that Go builds Linux programs for.
var machines = map[string]elf.Machine{
	"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64,
	"loong64": elf.EM_LOONGARCH, "mips": elf.EM_MIPS, "mipsle": elf.EM_MIPS, "mips64": elf.EM_MIPS,
	"mips64le": elf.EM_MIPS, "ppc64": elf.EM_PPC64, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV,
	"s390x": elf.EM_S390,
}

// checkStatic reads the program headers, which alone prove that a binary needs no
// loader and no library: ldd and Go's build info do not (-buildmode=pie).
func checkStatic(file string, p ocispec.Platform) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("it is no Linux executable, is its package main? (%w)", err)
	}
	defer f.Close()
	if want, ok := machines[p.Architecture]; !ok || f.Machine != want {
		return fmt.Errorf("it is for %s, not for %s", f.Machine, p.Architecture)
	}
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("it is no executable (%s)", f.Type)
	}
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			return fmt.Errorf("it is not static: it asks for a loader (PT_INTERP)")
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("reading its dynamic section: %w", err)
	}
	if len(libraries) > 0 {
		return fmt.Errorf("it is not static: it needs %q", libraries)
	}
	return nil
}
