package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// warmed has one entry, "a", that an earlier build left in warm.
func warmed(t *testing.T, body string) (c *cache, action, output string) {
	t.Helper()
	c = &cache{dir: t.TempDir(), warm: t.TempDir()}
	earlier := &cache{dir: t.TempDir(), warm: c.warm}
	sum := sha256.Sum256([]byte(body))
	if err := earlier.put([]byte("a"), sum[:], []byte(body)); err != nil {
		t.Fatal(err)
	}
	return c, actionFile(c.warm, []byte("a")), outputFile(c.warm, sum[:])
}

func age(t *testing.T, at time.Time, files ...string) {
	t.Helper()
	for _, file := range files {
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedWarmEntriesAreMisses(t *testing.T) {
	for name, damage := range map[string]func(action, output string) error{
		"entry cut":     func(action, _ string) error { return os.Truncate(action, 40) },
		"entry empty":   func(action, _ string) error { return os.Truncate(action, 0) },
		"entry gone":    func(action, _ string) error { return os.Remove(action) },
		"output cut":    func(_, output string) error { return os.Truncate(output, 1) },
		"output longer": func(_, output string) error { return os.Truncate(output, 9) },
		"other bytes":   func(_, output string) error { return os.WriteFile(output, []byte("yoda"), 0o644) },
		"output gone":   func(_, output string) error { return os.Remove(output) },
	} {
		t.Run(name, func(t *testing.T) {
			c, action, output := warmed(t, "body")
			if err := damage(action, output); err != nil {
				t.Fatal(err)
			}
			if e, _, ok, err := c.get([]byte("a")); ok || err != nil {
				t.Fatalf("get = %v, %v, %v", e, ok, err)
			}
			// What is made in its stead is found by the next build.
			sum := sha256.Sum256([]byte("body"))
			if err := c.put([]byte("a"), sum[:], []byte("body")); err != nil {
				t.Fatal(err)
			}
			next := &cache{dir: t.TempDir(), warm: c.warm}
			if e, _, ok, err := next.get([]byte("a")); !ok || err != nil {
				t.Errorf("after a put: get = %v, %v, %v", e, ok, err)
			}
		})
	}
}

func TestWarmUseIsNoted(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		age   time.Duration
		fresh bool
	}{"minutes": {30 * time.Minute, false}, "days": {240 * time.Hour, true}} {
		c, action, output := warmed(t, "body")
		age(t, now.Add(-tt.age), action, output)
		if _, _, ok, err := c.get([]byte("a")); !ok || err != nil {
			t.Fatal(ok, err)
		}
		for _, file := range []string{action, output} {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if fresh := now.Sub(info.ModTime()) < time.Minute; fresh != tt.fresh {
				t.Errorf("%s old: %s is of %v", name, file, info.ModTime())
			}
		}
		imported, err := os.Stat(actionFile(c.dir, []byte("a")))
		if err != nil || !imported.ModTime().Equal(fixedTime) {
			t.Errorf("the layer's entry: %v, %v", imported, err)
		}
	}
}

func TestWarmIsSweptOnceADay(t *testing.T) {
	c, action, output := warmed(t, "body")
	foreign, left := filepath.Join(filepath.Dir(action), "notes"), filepath.Join(filepath.Dir(action), ".new-1")
	for _, file := range []string{foreign, left} {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	there := func() (names []string) {
		for _, file := range []string{action, output, foreign, left} {
			if _, err := os.Stat(file); err == nil {
				names = append(names, file)
			}
		}
		return names
	}
	all, day := there(), 24*time.Hour
	for _, step := range []struct {
		name           string
		entries, stamp time.Duration // ages; no stamp if 0
		want           []string
	}{
		{"used", 4 * day, 0, all},
		{"swept today", 10 * day, time.Hour, all},
		{"swept yesterday", 10 * day, 25 * time.Hour, []string{foreign}},
	} {
		age(t, time.Now().Add(-step.entries), all...)
		if step.stamp > 0 {
			age(t, time.Now().Add(-step.stamp), filepath.Join(c.warm, swept))
		}
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		if got := there(); !slices.Equal(got, step.want) {
			t.Errorf("%s: left are %q, want %q", step.name, got, step.want)
		}
	}
}

func TestModuleIndexesDoNotOutliveTheBuild(t *testing.T) {
	c, _, _ := warmed(t, "go index v2\n…")
	if _, _, ok, err := c.get([]byte("a")); ok || err != nil {
		t.Errorf("a module's index came from an earlier build: %v, %v", ok, err)
	}
}
