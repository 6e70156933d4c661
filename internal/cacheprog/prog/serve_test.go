package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// put is a request as the go command writes it, with its body after an empty line.
func put(t testing.TB, id int64, action string, body []byte) string {
	t.Helper()
	sum := sha256.Sum256(body)
	line, err := json.Marshal(request{ID: id, Command: "put", ActionID: []byte(action), OutputID: sum[:], BodySize: int64(len(body))})
	if err != nil {
		t.Fatal(err)
	}
	if len(body) == 0 {
		return string(line) + "\n\n"
	}
	return string(line) + "\n\n\"" + base64.StdEncoding.EncodeToString(body) + "\"\n"
}

func get(id int64, action string) string {
	return fmt.Sprintf("{\"ID\":%d,\"Command\":\"get\",\"ActionID\":%q}\n", id, base64.StdEncoding.EncodeToString([]byte(action)))
}

// converse serves what a go command says, and returns the answers after the first.
func converse(t testing.TB, c *cache, in string) ([]response, error) {
	t.Helper()
	var out bytes.Buffer
	err := serve(c, strings.NewReader(in), &out)
	var all []response
	for d := json.NewDecoder(&out); ; {
		var r response
		if e := d.Decode(&r); e == io.EOF {
			break
		} else if e != nil {
			t.Fatal(e)
		}
		all = append(all, r)
	}
	if len(all) == 0 || len(all[0].KnownCommands) != 3 {
		t.Fatalf("it does not begin with the commands: %+v", all)
	}
	return all[1:], err
}

func TestServe(t *testing.T) {
	c := &cache{dir: t.TempDir(), warm: t.TempDir()}
	in := get(1, "a") + put(t, 2, "a", []byte("one")) + put(t, 3, "empty", nil) + get(4, "a") + get(5, "empty") + "{\"ID\":6,\"Command\":\"close\"}\n"
	got, err := converse(t, c, in)
	if err != nil || len(got) != 6 {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	for i, r := range got {
		if r.ID != int64(i+1) || r.Err != "" || r.Miss != (i == 0) {
			t.Errorf("answer %d: %+v", i+1, r)
		}
	}
	for i, want := range map[int]string{3: "one", 4: ""} {
		data, err := os.ReadFile(got[i].DiskPath)
		if err != nil || string(data) != want || got[i].Size != int64(len(want)) {
			t.Errorf("answer %d: %q, %d bytes, %v", i+1, data, got[i].Size, err)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"no JSON":          "what?",
		"a cut request":    `{"ID":1,"Comm`,
		"an ID of text":    `{"ID":"x"}`,
		"another size":     `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"YQ==","BodySize":9}` + "\n\"YQ==\"\n",
		"a negative size":  `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"YQ==","BodySize":-1}` + "\n\"YQ==\"\n",
		"no base64":        `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"YQ==","BodySize":1}` + "\n\"%\"\n",
		"no body":          `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"YQ==","BodySize":1}`,
		"a body no string": `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"YQ==","BodySize":1}` + "\n{}\n",
	} {
		if got, err := converse(t, &cache{dir: t.TempDir()}, in); err == nil {
			t.Errorf("%s: no error, and answers %+v", name, got)
		}
	}
	for name, in := range map[string]string{
		"no action":       `{"ID":1,"Command":"get"}`,
		"no output":       `{"ID":1,"Command":"put","ActionID":"YQ=="}`,
		"unknown command": `{"ID":1,"Command":"burn","ActionID":"YQ=="}`,
		"a long output":   `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"` + strings.Repeat("YWFh", 200) + `"}`,
	} {
		got, err := converse(t, &cache{dir: t.TempDir()}, in+"\n"+get(2, "b"))
		if err != nil || len(got) != 2 || got[0].Err == "" || !got[1].Miss {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzServe(f *testing.F) {
	f.Add(get(1, "a") + put(f, 2, "a", []byte("one")) + get(3, "a") + `{"ID":4,"Command":"close"}`)
	f.Add(`{"ID":1,"Command":"put","ActionID":"","OutputID":"","BodySize":0}`)
	f.Add(`{"Command":"put","ActionID":"YQ==","OutputID":"YQ==","BodySize":-3} "YQ=="`)
	f.Fuzz(func(t *testing.T, in string) {
		got, _ := converse(t, &cache{dir: t.TempDir(), warm: t.TempDir()}, in)
		for _, r := range got {
			if r.DiskPath == "" {
				continue
			}
			if _, err := os.Stat(r.DiskPath); err != nil {
				t.Errorf("an answer names a file that is not there: %v", err)
			}
		}
	})
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{
		nil, {"cache"}, {"cache", "-dir"}, {"cache", "-no"}, {"cache", "-dir", "x", "more"}, {"wash"},
		{"list", "-dir", "d", "-modcache", "m", "-out", "o"}, {"list", "-dir", "d", "-out", "o", "--", "go", "list"},
		{"list", "-modcache", "m", "--", "go", "list"}, {"list", "--", "go", "list"},
		{"list", "-dir", t.TempDir(), "-modcache", "m", "-out", "o", "--", "go", "build"},
		{"seed", "-dir", "d", "-warm", "w", "-name", "n", "--", "go", "list"},
	} {
		if err := run(args, strings.NewReader(""), io.Discard); err == nil || strings.Contains(err.Error(), "nil") {
			t.Errorf("run(%q): %v", args, err)
		}
	}
}
