package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStamp is of binaries without a host's ID; the package above compares real ones.
func TestStamp(t *testing.T) {
	flags := []string{"-s", "-X", "main.a=AAAAAAAA", "-X=main.b=BBBBBBBB", "-X", "main.short=x"}
	l := linking{
		Later: later, Given: "i/m/c/i", Hashed: []string{"go1", hashedFlags([]string{later})},
		Flags: flags, Placeholders: []string{"", "", "AAAAAAAA", "BBBBBBBB", "", ""},
	}
	id, err := l.buildID(flags)
	if err != nil {
		t.Fatal(err)
	}
	text := string(unnamed) + "-AAAAAAAA-BBBBBBBB-" + id
	for name, c := range map[string]struct {
		flags []string
		text  string
		want  string // after the head and before the build ID; empty for an error
	}{
		"values":                       {[]string{"-s", "-X", "main.a=12345678", "-X=main.b=a=b=c=d=", "-X", "main.short=x"}, text, "-12345678-a=b=c=d=-"},
		"the same":                     {flags, text, "-AAAAAAAA-BBBBBBBB-"},
		"a value like a placeholder":   {[]string{"-s", "-X", "main.a=BBBBBBBB", "-X=main.b=87654321", "-X", "main.short=x"}, text, "-BBBBBBBB-87654321-"},
		"a variable that is not there": {[]string{"-s", "-X", "main.a=12345678", "-X=main.b=87654321", "-X", "main.short=x"}, strings.Replace(text, "BBBBBBBB", "--------", 1), "-12345678----------"},
		"a placeholder twice":          {[]string{"-s", "-X", "main.a=12345678", "-X=main.b=BBBBBBBB", "-X", "main.short=x"}, text + "AAAAAAAA", ""},
		"another length":               {[]string{"-s", "-X", "main.a=1234567", "-X=main.b=BBBBBBBB", "-X", "main.short=x"}, text, ""},
		"another variable":             {[]string{"-s", "-X", "main.c=12345678", "-X=main.b=BBBBBBBB", "-X", "main.short=x"}, text, ""},
		"another flag":                 {[]string{"-w", "-X", "main.a=AAAAAAAA", "-X=main.b=BBBBBBBB", "-X", "main.short=x"}, text, ""},
		"a flag more":                  {append(flags, "-w"), text, ""},
		"no build ID":                  {flags, strings.TrimSuffix(text, id), ""},
		"no program":                   {flags, "#!/bin/sh", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
			err := stampText(t, l, dir, c.text, id, out, c.flags)
			if c.want == "" {
				if _, made := os.Stat(out); err == nil || made == nil {
					t.Errorf("stamped: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := l.buildID(c.flags)
			if err != nil {
				t.Fatal(err)
			}
			head := string(unnamed) + c.want + signed[:strings.LastIndex(signed, "/")+1]
			if !bytes.HasPrefix(got, []byte(head)) || len(got) != len(c.text) || bytes.HasSuffix(got, []byte(signed)) {
				t.Errorf("it is %q, want %q and a sum", got, head)
			}
		})
	}
	if err := stamp(t.TempDir(), "/out/a", 0, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without anything linked: %v", err)
	}
}

func stampText(t *testing.T, l linking, dir, text, id, out string, flags []string) (err error) {
	t.Helper()
	if l.places, err = l.find([]byte(text), id); err != nil {
		return err
	}
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{linkingFile(dir): data, binaryFile(dir): []byte(text)} {
		if err := write(file, data, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return stamp(dir, out, 0, flags)
}
