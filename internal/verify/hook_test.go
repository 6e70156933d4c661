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
	return hookedBy(name, hook.Options{Percent: percent})
}

func hookedBy(name string, o hook.Options) func(*testing.T, *draft) {
	return func(t *testing.T, d *draft) {
		d.content["orders"] = program(t, name)
		d.env("GOMEMLIMIT", "")
		d.label(tuning.LabelMemLimit, tuning.FormatAuto(o.Percent))
		d.label(tuning.LabelHook, hook.Label(hook.File(o)))
	}
}

// lined is a start-up hook with a setting of its own; another one is in the environment.
func lined(name string, o hook.Options) func(*testing.T, *draft) {
	return func(t *testing.T, d *draft) {
		hookedBy(name, o)(t, d)
		d.env("GODEBUG", "madvdontneed=1")
		d.label(tuning.LabelGODEBUG, "http2client=0,madvdontneed=1")
	}
}

// withLine are its options.
var withLine = hook.Options{Percent: 90, Godebug: "http2client=0"}

func init() {
	file := hook.File(hook.Options{Percent: 90})
	withHook := func(goarch, file string) recipe {
		return recipe{"example.com/orders", "1.26", map[string]string{"main.go": plain["main.go"], hook.FileName: file}, []string{"GOARCH=" + goarch}, stripped}
	}
	recipes["hook"] = withHook("amd64", file)
	recipes["hook with a setting"] = withHook("amd64", hook.File(withLine))
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
		"hook without the setting of a label": lined("hook", hook.Options{Percent: 90}),
		"setting of a hook in Env as well": func(t *testing.T, d *draft) {
			lined("hook with a setting", withLine)(t, d)
			d.env("GODEBUG", "http2client=0,madvdontneed=1")
		},
		"hook label without auto": func(t *testing.T, d *draft) { d.label(tuning.LabelHook, hook.Version+" "+zeroDigest) },
	} {
		breakPlan[name] = change
	}
}

func TestHook(t *testing.T) {
	for _, made := range []func(*testing.T, *draft){hooked("hook", 90), lined("hook with a setting", withLine)} {
		d := goodDraft(t)
		made(t, d)
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
