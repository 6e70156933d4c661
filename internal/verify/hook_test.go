package verify_test

import (
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// hooked makes of a draft an image with the start-up hook, of the program that a recipe names.
func hooked(name string, percent int) func(*testing.T, *draft) {
	return func(t *testing.T, d *draft) {
		d.content["orders"] = program(t, name)
		d.env("GOMEMLIMIT", "")
		d.label(tuning.LabelMemLimit, tuning.FormatAuto(percent))
		d.label(tuning.LabelHook, hook.Label(hook.File(hook.Options{Percent: percent})))
	}
}

func init() {
	file := hook.File(hook.Options{Percent: 90})
	withHook := func(goarch, file string) recipe {
		return recipe{"example.com/orders", "1.26", map[string]string{"main.go": plain["main.go"], hook.FileName: file}, []string{"GOARCH=" + goarch}, stripped}
	}
	recipes["hook"] = withHook("amd64", file)
	recipes["hook that sets nothing"] = withHook("amd64", strings.ReplaceAll(file, "debug.SetMemoryLimit(limit)", "debug.SetMemoryLimit(-1)"))
	recipes["hook without a marker"] = withHook("amd64", strings.ReplaceAll(file, hook.MarkerStart, "plimsoll.memory/"))
	renamed := withHook("amd64", "")
	delete(renamed.files, hook.FileName)
	renamed.files["limit.go"] = file
	recipes["hook of another file name"] = renamed
	for name, change := range map[string]func(*testing.T, *draft){
		"hook without its label":     binary("hook"),
		"hook that is not there":     hooked("good", 90),
		"hook of another percentage": hooked("hook", 80),
		"hook that sets nothing":     hooked("hook that sets nothing", 90),
		"hook without a marker":      hooked("hook without a marker", 90),
		"hook of another file name":  hooked("hook of another file name", 90),
		"hook of another file": func(t *testing.T, d *draft) {
			hooked("hook", 90)(t, d)
			d.label(tuning.LabelHook, hook.Version+" "+zeroDigest)
		},
		"hook and GOMEMLIMIT": func(t *testing.T, d *draft) {
			hooked("hook", 90)(t, d)
			d.env("GOMEMLIMIT", "483183820")
		},
		"hook label without auto": func(t *testing.T, d *draft) { d.label(tuning.LabelHook, hook.Version+" "+zeroDigest) },
	} {
		breakPlan[name] = change
	}
}

func TestHook(t *testing.T) {
	d := goodDraft(t)
	hooked("hook", 90)(t, d)
	r := judge(t, d.image(t))
	if !r.OK() {
		t.Errorf("%+v", r.Results)
	}
	for _, res := range r.Results {
		if (res.Rule == "hook" || res.Rule == "memlimit") && res.Verdict != verify.Pass {
			t.Errorf("%s: %+v", res.Rule, res)
		}
	}
}

// TestHookOfALaterVersion holds that what this program cannot know is not passed.
func TestHookOfALaterVersion(t *testing.T) {
	d := goodDraft(t)
	hooked("hook", 90)(t, d)
	d.label(tuning.LabelHook, "v9 "+zeroDigest)
	for _, res := range judge(t, d.image(t)).Results {
		if res.Rule == "hook" && res.Verdict != verify.Unknown {
			t.Errorf("%+v", res)
		}
	}
}
