package plan

import (
	"fmt"
	"io/fs"
	"strconv"
)

// Mode is POSIX permission bits, written in JSON as an octal string ("0644").
type Mode uint32

// MarshalText writes the mode in octal with a leading zero.
func (m Mode) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04o", uint32(m)), nil
}

// UnmarshalText reads an octal mode up to 07777.
func (m *Mode) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 8, 32)
	if err != nil || n > 0o7777 {
		return fmt.Errorf("mode %q is not octal permission bits", b)
	}
	*m = Mode(n)
	return nil
}

// NormalMode is the mode of a context file or directory in the image when the
// spec names none. Only execute bits survive: what a checkout's umask did to
// the rest must not reach an image. It equals chmod's "u=rwX,go=rX".
func NormalMode(m fs.FileMode) Mode {
	if m.IsDir() || m.Perm()&0o111 != 0 {
		return 0o755
	}
	return 0o644
}
