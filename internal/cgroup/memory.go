package cgroup

import (
	"io/fs"
	"strconv"
	"strings"
)

// Memory is the memory controller; all numbers are bytes.
type Memory struct {
	Place
	// Levels are the limits of the own group and of its visible ancestors, in the order
	// of Place.Dirs.
	Levels []MemoryLevel
	// Max and High are the lowest limits of all levels; not Limited if there is none.
	// A zero Reading is one that no level could tell.
	Max, High Reading
	// Current and Peak are of the own group. Peak is unknown on v2 before Linux 5.19.
	Current, Peak Reading
	// Events counts what happened to the own group and those below: v2's memory.events,
	// or v1's oom_kill and its failcnt under the name max.
	Events map[string]int64
}

// MemoryLevel are the limits of one directory.
type MemoryLevel struct {
	Dir string
	// Max kills; v1's memory.limit_in_bytes.
	Max Reading
	// High throttles; v2 alone has it.
	High Reading
	// SwapMax is v2's memory.swap.max. v1's memory.memsw limit counts memory and swap
	// together and is kept as MemswMax.
	SwapMax, MemswMax Reading
}

func readMemory(fsys fs.FS, p Place) Memory {
	m := Memory{Place: p}
	for _, dir := range p.Dirs {
		level := readMemoryLevel(fsys, p.Version, dir)
		m.Levels = append(m.Levels, level)
		m.Max, m.High = lowest(m.Max, level.Max), lowest(m.High, level.High)
	}
	switch {
	case p.Dir() == "":
		m.Max.Err, m.High.Err, m.Current.Err, m.Peak.Err = p.Err, p.Err, p.Err, p.Err
	case p.Version == 1:
		m.Current, m.Peak = readNumber(fsys, p.Dir()+"/memory.usage_in_bytes"), readNumber(fsys, p.Dir()+"/memory.max_usage_in_bytes")
		m.Events = v1Events(fsys, p.Dir())
	default:
		m.Current, m.Peak = readNumber(fsys, p.Dir()+"/memory.current"), readNumber(fsys, p.Dir()+"/memory.peak")
		m.Events = readPairs(fsys, p.Dir()+"/memory.events")
	}
	return m
}

// lowest is the lower limit; without one, the first that is known.
func lowest(a, b Reading) Reading {
	if !a.Known() && (b.Known() || a.File == "") {
		return b
	}
	return lower(a, b)
}

func readMemoryLevel(fsys fs.FS, version int, dir string) MemoryLevel {
	if version == 1 {
		return MemoryLevel{Dir: dir, Max: readNumber(fsys, dir+"/memory.limit_in_bytes"), MemswMax: readNumber(fsys, dir+"/memory.memsw.limit_in_bytes")}
	}
	return MemoryLevel{
		Dir: dir,
		Max: readNumber(fsys, dir+"/memory.max"), High: readNumber(fsys, dir+"/memory.high"), SwapMax: readNumber(fsys, dir+"/memory.swap.max"),
	}
}

// readPairs reads lines of a word and a number.
func readPairs(fsys fs.FS, file string) map[string]int64 {
	text, err := readFile(fsys, file)
	if err != nil {
		return nil
	}
	pairs := map[string]int64{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			pairs[key] = n
		}
	}
	return pairs
}

func v1Events(fsys fs.FS, dir string) map[string]int64 {
	events := map[string]int64{}
	if n, ok := readPairs(fsys, dir+"/memory.oom_control")["oom_kill"]; ok {
		events["oom_kill"] = n
	}
	if r := readNumber(fsys, dir+"/memory.failcnt"); r.Known() {
		events["max"] = r.Value
	}
	return events
}

// readWords are the words of a file, or none.
func readWords(fsys fs.FS, file string) []string {
	text, err := readFile(fsys, file)
	if err != nil {
		return nil
	}
	return strings.Fields(text)
}
