package policy

import (
	"fmt"
	"go/version"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Policy is one file.
type Policy struct {
	// File is its name in messages.
	File string
	// Require and Ignore are rules of verify, Strict makes warnings failures: as the
	// flags of these names.
	Require, Ignore []string
	Strict          bool
	// Bases are allowed bases: "scratch", a digest, or a reference in which * stands
	// for anything. Empty allows all; so do Users.
	Bases []Entry
	// Users are allowed values of the config's user.
	Users []Entry
	// Labels must be there, with a value in which * stands for anything.
	Labels map[string]Entry
	// Go is the least Go release, such as "1.26"; its zero value is none.
	Go Entry
	// MaxSize bounds the compressed layers together, in bytes; 0 is no bound.
	MaxSize int64
	sizeAt  Entry
}

// Entry is a value of the file with the line that it stands on.
type Entry struct {
	Value string
	Line  int
}

// Image is what a policy looks at.
type Image struct {
	// Ours means that the image has labels of Plimsoll: then no base label is scratch.
	Ours bool
	// BaseName and BaseDigest are as labelled.
	BaseName, BaseDigest string
	// User is the config's; empty is root.
	User string
	// Go is the release, with its "go"; empty if it is not known.
	Go string
	// Size is of the compressed layers, in bytes; negative if it is not known.
	Size int64
	// Labels are the config's.
	Labels map[string]string
}

// Violation is one entry that the image breaks.
type Violation struct {
	Where, Got, Want string
	// Line is the entry's.
	Line int
}

// Judge holds an image against every entry. Unknowns are entries that could not be
// judged.
func (p *Policy) Judge(i Image) (violations []Violation, unknowns []string) {
	j := &judging{image: i}
	j.base(p.Bases)
	j.user(p.Users)
	j.goRelease(p.Go)
	j.size(p)
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		want := p.Labels[key]
		got, ok := i.Labels[key]
		if !ok {
			j.add("label "+key, "none", want)
		} else if !matches(want.Value, got) {
			j.add("label "+key, got, want)
		}
	}
	return j.violations, j.unknowns
}

type judging struct {
	image      Image
	violations []Violation
	unknowns   []string
}

func (j *judging) add(where, got string, want Entry) {
	j.violations = append(j.violations, Violation{where, got, want.Value, want.Line})
}

func (j *judging) base(allowed []Entry) {
	if len(allowed) == 0 {
		return
	}
	name, digest := j.image.BaseName, j.image.BaseDigest
	if name == "" && digest == "" {
		if !j.image.Ours {
			j.unknowns = append(j.unknowns, "base: the image does not say what it stands on")
			return
		}
		name = Scratch
	}
	if !slices.ContainsFunc(allowed, func(e Entry) bool {
		return matches(e.Value, name) || (digest != "" && e.Value == digest)
	}) {
		got := name
		if digest != "" && !strings.Contains(name, digest) {
			got += "@" + digest
		}
		j.add("base", got, oneOf(allowed))
	}
}

// Scratch is the word for no base.
const Scratch = "scratch"

func (j *judging) user(allowed []Entry) {
	if len(allowed) == 0 {
		return
	}
	if !slices.ContainsFunc(allowed, func(e Entry) bool { return matches(e.Value, j.image.User) }) {
		got := j.image.User
		if got == "" {
			got = "none, which is root"
		}
		j.add("config User", got, oneOf(allowed))
	}
}

func (j *judging) goRelease(least Entry) {
	switch {
	case least.Value == "":
	case !version.IsValid(j.image.Go):
		j.unknowns = append(j.unknowns, "go: the image's Go release is not known")
	case version.Compare(j.image.Go, "go"+least.Value) < 0:
		j.add("go", j.image.Go, Entry{"go" + least.Value + " or newer", least.Line})
	}
}

func (j *judging) size(p *Policy) {
	switch {
	case p.MaxSize == 0:
	case j.image.Size < 0:
		j.unknowns = append(j.unknowns, "maxSize: this form of an image does not say its compressed size")
	case j.image.Size > p.MaxSize:
		j.add("size", fmt.Sprintf("%d bytes", j.image.Size), Entry{"at most " + p.sizeAt.Value, p.sizeAt.Line})
	}
}

func oneOf(allowed []Entry) Entry {
	var words []string
	for _, e := range allowed {
		words = append(words, e.Value)
	}
	return Entry{"one of " + strings.Join(words, ", "), allowed[0].Line}
}

// matches reports whether a value is the pattern, * standing for anything.
func matches(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	re, err := regexp.Compile(`\A(?s:` + strings.Join(parts, ".*") + `)\z`)
	return err == nil && re.MatchString(value)
}
