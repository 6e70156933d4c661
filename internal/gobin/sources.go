package gobin

import "bytes"

// HasSource reports whether a source file of this name is in the table, in whatever directory.
func (fs *Functions) HasSource(base string) bool {
	suffix := append([]byte("/"), base...)
	for _, t := range fs.tables {
		for name := range bytes.SplitSeq(t.files, []byte{0}) {
			if bytes.HasSuffix(name, suffix) {
				return true
			}
		}
	}
	return false
}
