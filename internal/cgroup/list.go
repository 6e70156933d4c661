package cgroup

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// maxListed bounds a list: more CPUs than any kernel is built for.
const maxListed = 1 << 16

// ParseList reads the kernel's lists of CPUs and memory nodes, such as "0-3,8".
func ParseList(s string) ([]int, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	var list []int
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 16)
		to, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || to < from || len(list)+int(to-from) >= maxListed {
			return nil, fmt.Errorf("list %q: %w", clip(s), ErrMalformed)
		}
		for n := from; n <= to; n++ {
			list = append(list, int(n))
		}
	}
	return list, nil
}

// firstList is the first list of files that is there and not empty.
func firstList(fsys fs.FS, files ...string) []int {
	for _, file := range files {
		if text, err := readFile(fsys, file); err == nil {
			if list, err := ParseList(text); err == nil && len(list) > 0 {
				return list
			}
		}
	}
	return nil
}
