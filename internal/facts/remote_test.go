package facts

import "testing"

func TestPublicURL(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"https://example.com/x.git":          "https://example.com/x.git",
		"https://user:secret@example.com/x":  "https://example.com/x",
		"https://token@example.com/x":        "https://example.com/x",
		"ssh://git:secret@example.com:22/x":  "ssh://git@example.com:22/x",
		"git@example.com:x/y.git":            "git@example.com:x/y.git",
		"/home/me/x":                         "",
		"../x:y":                             "",
		`C:\x`:                               "",
		"file:///home/me/x":                  "",
		"https://user:se cret%@example.com/": "",
		"http://user:pass@[::1/x":            "",
	} {
		if got := PublicURL(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}
