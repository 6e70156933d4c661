package gobin

import (
	"cmp"
	"errors"
	"slices"
)

var errMalformedTable = errors.New("malformed function table")

// header of a table: magic, two zeros, instruction quantum, pointer size, then
// words. Since Go 1.26 the word textStart is zero; names need no addresses.
const tableHeader = 8

// table reads the function table at a file offset and checks that its parts lie
// where its header says: names first, the entry list last.
func (f *file) table(at int64) (table, error) {
	head, err := f.bytes(uint64(at), tableHeader)
	if err != nil {
		return table{}, err
	}
	quantum, ptr := head[6], int(head[7])
	if (quantum != 1 && quantum != 2 && quantum != 4) || ptr != f.wordSize() {
		return table{}, errMalformedTable
	}
	words, err := f.bytes(uint64(at)+tableHeader, uint64(8*ptr))
	if err != nil {
		return table{}, err
	}
	t := table{order: f.order, field: 4, offset: at}
	// Words: count, files, [textStart from 1.18 on], names, units, files, pc data, functions.
	names := 3
	if f.order.Uint32(head) == magic116 {
		names, t.field, t.absolute = 2, ptr, true
	}
	count, namesAt, unitsAt, funcsAt := f.word(words), f.word(words[names*ptr:]), f.word(words[(names+1)*ptr:]), f.word(words[(names+4)*ptr:])
	filesAt, dataAt := f.word(words[(names+2)*ptr:]), f.word(words[(names+3)*ptr:])
	if count == 0 || count > maxFunctions || namesAt < tableHeader || namesAt >= unitsAt || unitsAt > funcsAt || funcsAt > maxTableBytes {
		return table{}, errMalformedTable
	}
	if filesAt < unitsAt || filesAt > dataAt || dataAt > funcsAt {
		return table{}, errMalformedTable
	}
	t.count, t.namesAt = int(count), namesAt
	if err = f.fill(&t, uint64(at), namesAt, unitsAt, funcsAt); err != nil {
		return table{}, err
	}
	f.tableBytes += dataAt - filesAt
	t.files, err = f.bytes(uint64(at)+filesAt, dataAt-filesAt)
	return t, err
}

// fill reads the names and the entry list with its records. The records' end is
// not written down, but each entry's position is.
func (f *file) fill(t *table, at, namesAt, unitsAt, funcsAt uint64) error {
	var err error
	if f.tableBytes += unitsAt - namesAt + 2*uint64(t.count*t.field); f.tableBytes > 2*maxTableBytes {
		return errMalformedTable // thousands of headers over the same bytes
	}
	if t.names, err = f.bytes(at+namesAt, unitsAt-namesAt); err != nil {
		return err
	}
	list, err := f.bytes(at+funcsAt, uint64((2*t.count+1)*t.field))
	if err != nil {
		return err
	}
	t.funcs = list
	var last uint64
	for i := range t.count {
		last = max(last, t.word(list[(2*i+1)*t.field:]))
	}
	if last < uint64(len(list)) || last > maxTableBytes {
		return errMalformedTable
	}
	f.tableBytes += last
	t.funcs, err = f.bytes(at+funcsAt, last+uint64(t.field)+4)
	if err != nil {
		return err
	}
	return t.plausible()
}

// plausible demands that every function has a name: a table of which a part
// cannot be read proves nothing about what is not in it.
//
// Names are shared by few functions, so their lengths together are bounded, and
// with them the cost of going through them.
func (t *table) plausible() error {
	var total int
	for i := range t.count {
		name, ok := t.name(i)
		if total += len(name); !ok || total > 4*len(t.names) {
			return errMalformedTable
		}
	}
	return nil
}

// mergeSpans joins ranges that touch or overlap.
func mergeSpans(spans [][2]int64) [][2]int64 {
	slices.SortFunc(spans, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	var merged [][2]int64
	for _, s := range spans {
		if n := len(merged); n > 0 && s[0] <= merged[n-1][1] {
			merged[n-1][1] = max(merged[n-1][1], s[1])
			continue
		}
		merged = append(merged, s)
	}
	return merged
}
