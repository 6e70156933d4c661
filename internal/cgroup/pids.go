package cgroup

import "io/fs"

// Pids is the pids controller: how many threads and processes there may be.
type Pids struct {
	Place
	// Max is the lowest of the visible ancestors.
	Max Reading
	// Current is of the own group.
	Current Reading
}

func readPids(fsys fs.FS, p Place) Pids {
	r := Pids{Place: p}
	if p.Dir() == "" {
		r.Max.Err, r.Current.Err = p.Err, p.Err
		return r
	}
	for _, dir := range p.Dirs {
		r.Max = lowest(r.Max, readNumber(fsys, dir+"/pids.max"))
	}
	r.Current = readNumber(fsys, p.Dir()+"/pids.current")
	return r
}
