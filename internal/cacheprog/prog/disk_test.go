package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseEntry(t *testing.T) {
	good := entry{action: []byte{1, 2}, output: []byte{3, 4}, size: 5, time: 6}.String()
	for name, tt := range map[string]struct {
		data string
		ok   bool
	}{
		"as written":     {good, true},
		"empty":          {"", false},
		"no line end":    {strings.TrimSuffix(good, "\n"), false},
		"cut":            {good[:len(good)/2] + "\n", false},
		"other version":  {"v2" + good[2:], false},
		"not hex":        {strings.Replace(good, "0102", "01zz", 1), false},
		"negative size":  {strings.Replace(good, " 5 ", "-5 ", 1), false},
		"size no number": {strings.Replace(good, " 5 ", " x ", 1), false},
		"more fields":    {strings.TrimSuffix(good, "\n") + " 7\n", false},
		"too long":       {"v1" + strings.Repeat(" ", 1<<11) + good[2:], false},
	} {
		e, ok := parseEntry([]byte(tt.data))
		if ok != tt.ok || ok && e.String() != good {
			t.Errorf("%s: parseEntry(%q) = %v, %v", name, tt.data, e, ok)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(entry{action: []byte{1}, output: []byte{2}, size: 3, time: 4}.String()))
	f.Add([]byte("v1    \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, ok := parseEntry(data)
		if !ok {
			return
		}
		if again, ok := parseEntry([]byte(e.String())); !ok || again.String() != e.String() {
			t.Errorf("%q is read as %q and that as %q, %v", data, e, again, ok)
		}
	})
}

func TestStoreLeavesWhatIsThere(t *testing.T) {
	dir, body := t.TempDir(), []byte("body")
	e := entry{action: []byte{1, 2}, output: []byte{3, 4}, size: int64(len(body)), time: 6}
	then := time.Now().Add(-240 * time.Hour).Truncate(time.Second)
	if err := store(dir, e, body, then); err != nil {
		t.Fatal(err)
	}
	e.time = 7 // made again, with the same result
	if err := store(dir, e, body, fixedTime); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{actionFile(dir, e.action), outputFile(dir, e.output)} {
		if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(then) {
			t.Errorf("%s was written again: %v, %v", name, info, err)
		}
	}
	e.output = []byte{5, 6}
	if err := store(dir, e, body, fixedTime); err != nil {
		t.Fatal(err)
	}
	if got, _, ok := find(e.action, dir); !ok || !bytes.Equal(got.output, e.output) {
		t.Errorf("another output of the action: %v, %v", got, ok)
	}
}

// TestSettle holds that a cache that the go command wrote looks as one that was served.
func TestSettle(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"trim.txt", "README", "0a/0a11-a", "0a/0a11-d"} {
		if err := write(filepath.Join(dir, name), []byte(name), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := settle(dir, true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v: more than entries is left", entries, err)
	}
	for _, name := range []string{"0a/0a11-a", "0a/0a11-d"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.ModTime().Equal(fixedTime) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	lower, upper := t.TempDir(), t.TempDir()
	if err := errors.Join(write(filepath.Join(lower, "0b", "0b22-d"), []byte("lower"), fixedTime), lay(upper, []string{dir, lower})); err != nil {
		t.Fatal(err)
	}
	if laid, err := filepath.Glob(filepath.Join(upper, "*", "*")); err != nil || len(laid) != 3 {
		t.Errorf("laid are %q, %v", laid, err)
	}
	if err := errors.Join(write(filepath.Join(upper, "0c", "0c33-d"), []byte("new"), time.Now()), settle(upper, true)); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(upper, "*", "*")); err != nil || len(left) != 1 {
		t.Errorf("left are %q, %v: want the new one alone", left, err)
	}
	if err := settle(filepath.Join(dir, "nothing"), true); err == nil {
		t.Error("no error without a cache")
	}
}

// TestFindInParts holds that an action in one part finds its output in another.
func TestFindInParts(t *testing.T) {
	above, below := t.TempDir(), t.TempDir()
	e, body := entry{action: []byte{1, 2}, output: []byte{3, 4}, size: 4, time: 5}, []byte("body")
	if err := errors.Join(write(actionFile(above, e.action), []byte(e.String()), fixedTime), write(outputFile(below, e.output), body, fixedTime)); err != nil {
		t.Fatal(err)
	}
	if got, output, ok := find(e.action, above, below); !ok || got.time != e.time || output != outputFile(below, e.output) {
		t.Errorf("%v, %s, %v", got, output, ok)
	}
	if _, _, ok := find(e.action, above); ok {
		t.Error("an action without its output was found")
	}
}

// TestNothingLent holds that a build which compiled nothing does not say that it left something.
func TestNothingLent(t *testing.T) {
	l := listing{dir: t.TempDir(), warm: t.TempDir(), name: "kin"}
	for _, step := range []struct {
		output string
		want   bool
	}{
		{indexMagic + "2\n", false},
		{"go object", true},
	} {
		if err := write(outputFile(l.dir, []byte(step.output)), []byte(step.output), fixedTime); err != nil {
			t.Fatal(err)
		}
		if l.lend(); l.known() != step.want {
			t.Errorf("after %q: %t", step.output, l.known())
		}
	}
}
