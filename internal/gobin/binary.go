package gobin

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
)

// Binary is what the bytes of one ELF file say.
type Binary struct {
	// Size is the file's, in bytes.
	Size int64
	// Class, Data, Type and Machine are the ELF header's.
	Class   elf.Class
	Data    elf.Data
	Type    elf.Type
	Machine elf.Machine
	// Interp is the loader that PT_INTERP names; HasInterp is set even if the name is empty.
	Interp    string
	HasInterp bool
	// Needed are the shared libraries of DT_NEEDED. A name that cannot be read is "?".
	Needed []string
	// PIE is DF_1_PIE of DT_FLAGS_1.
	PIE bool
	// Build is the build info, nil if none could be read (BuildErr says why).
	Build    *debug.BuildInfo
	BuildErr error
	// FromCopy is set if Build is the copy that the program itself reads, because the
	// section is missing or cannot be read. It has no Go version.
	FromCopy bool
	// Copies is how often the bytes hold Build: twice since Go 1.18, in the section and
	// in the string that the program reads. Others are build infos that differ.
	Copies int
	Others []*debug.BuildInfo
	// Packed means that UPX's mark is there and no function table: what runs is not
	// what lies in the file.
	Packed bool
	// Functions is the function table, nil if none could be read (FunctionsErr says why).
	Functions    *Functions
	FunctionsErr error
}

// ErrNotELF means that the file has no ELF header.
var ErrNotELF = errors.New("not an ELF file")

// Read takes the evidence from a file of that size. It fails only if the ELF or
// program headers cannot be read; a part that is missing is nil in the Binary.
func Read(r io.ReaderAt, size int64) (*Binary, error) {
	r = io.NewSectionReader(r, 0, size)
	f, b, err := readProgram(r, size)
	if err != nil {
		return nil, err
	}
	b.Build, b.BuildErr = readBuildInfo(r, f)
	f.buildCopies(b)
	b.Functions, b.FunctionsErr = readFunctions(f)
	b.Packed = b.Functions == nil && f.packed()
	return b, nil
}

// ReadHeaders takes what the headers alone say, the fields up to PIE: all that the kernel
// looks at. It reads a few hundred bytes of a file of any size.
func ReadHeaders(r io.ReaderAt, size int64) (*Binary, error) {
	_, b, err := readProgram(io.NewSectionReader(r, 0, size), size)
	return b, err
}

func readProgram(r io.ReaderAt, size int64) (*file, *Binary, error) {
	f, err := readHeaders(r, size)
	if err != nil {
		return nil, nil, err
	}
	b := &Binary{Size: size, Class: f.class, Data: f.data, Type: f.elfType, Machine: f.machine}
	if err := f.interp(b); err != nil {
		return nil, nil, err
	}
	if err := f.dynamic(b); err != nil {
		return nil, nil, err
	}
	return f, b, nil
}

// Setting is a value of the build info, such as GOARCH or -tags; false if there
// is no build info or no such setting in it.
func (b *Binary) Setting(key string) (string, bool) {
	if b.Build == nil {
		return "", false
	}
	for _, s := range b.Build.Settings {
		if s.Key == key {
			return s.Value, true
		}
	}
	return "", false
}

// maxSections bounds what debug/elf, which is not hardened, is let to read: a
// section costs it some 200 bytes. Real Go binaries have under 100.
const maxSections = 4096

// maxBuildInfo bounds one build info in bytes; Kubernetes' is some 20 KB. Parsed, its lines
// can take ten times as much.
const maxBuildInfo = 1 << 20

// shortReader refuses to read more than maxBuildInfo at once. debug/buildinfo looks for the
// build info in pieces of that size, and reads and parses it whole, however long it says
// that it is.
type shortReader struct{ io.ReaderAt }

// ReadAt is io.ReaderAt's.
func (r shortReader) ReadAt(p []byte, off int64) (int, error) {
	if len(p) > maxBuildInfo {
		return 0, fmt.Errorf("%d bytes at once, more than %d", len(p), maxBuildInfo)
	}
	return r.ReaderAt.ReadAt(p, off)
}

// readBuildInfo calls debug/buildinfo with its known weaknesses fenced off: it
// reads every section header first, and may panic on a malformed file.
func readBuildInfo(r io.ReaderAt, f *file) (info *debug.BuildInfo, err error) {
	if f.sections > maxSections || (f.sections == 0 && f.sectionOffset != 0) {
		return nil, fmt.Errorf("reading build info: the file claims %d sections", f.sections)
	}
	defer func() {
		if p := recover(); p != nil {
			info, err = nil, fmt.Errorf("reading build info: malformed: %v", p)
		}
	}()
	if info, err = buildinfo.Read(shortReader{r}); err != nil {
		return nil, fmt.Errorf("reading build info: %w", err)
	}
	return info, nil
}
