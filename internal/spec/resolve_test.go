package spec

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withArgs = header + `
build:
  args: {CHANNEL: stable, TAG: netgo, UID: "1000", MODE: ""}
  tags: ["${TAG}"]
  ldflags: ["-X main.channel=${CHANNEL}", "-X 'main.text=$${CHANNEL} $CHANNEL $$'"]
  env: {GOEXPERIMENT: "${CHANNEL}"}
  binaries:
    - {main: ./a, tags: ["${TAG}x"], ldflags: ["-X main.a=${CHANNEL}"]}
image:
  base: registry.example.com/${CHANNEL}
  user: ${UID}:${UID}
  workdir: /${CHANNEL}
  entrypoint: [/a, "${CHANNEL}"]
  args: ["${MODE}", "${CHANNEL}${TAG}"]
  env: {CHANNEL: "${CHANNEL}"}
  labels: {channel: "a ${CHANNEL} b"}
  annotations: {channel: "${CHANNEL}"}
  files: [{from: "./${CHANNEL}", to: "/x/${CHANNEL}"}]
`

// expanded is what the service of withArgs says where arguments are used.
func expanded(s Service) []string {
	b, i := s.Build, s.Image
	return slices.Concat(b.Tags, b.Ldflags, []string{b.Env["GOEXPERIMENT"]}, b.Binaries[0].Tags, b.Binaries[0].Ldflags,
		[]string{i.Base, i.User, i.Workdir}, i.Entrypoint, i.Args,
		[]string{i.Env["CHANNEL"], i.Labels["channel"], i.Annotations["channel"], i.Files[0].From, i.Files[0].To})
}

func TestResolve(t *testing.T) {
	doc := mustParse(t, withArgs)
	before, _ := json.Marshal(doc.Service)
	for _, tt := range []struct {
		name string
		args map[string]string
		want []string
	}{
		{"defaults", nil, []string{
			"netgo", "-X main.channel=stable", "-X 'main.text=${CHANNEL} $CHANNEL $$'", "stable", "netgox", "-X main.a=stable",
			"registry.example.com/stable", "1000:1000", "/stable", "/a", "stable", "", "stablenetgo", "stable", "a stable b", "stable", "./stable", "/x/stable"}},
		{"overrides", map[string]string{"CHANNEL": "beta", "TAG": "t", "UID": "0", "MODE": "m"}, []string{
			"t", "-X main.channel=beta", "-X 'main.text=${CHANNEL} $CHANNEL $$'", "beta", "tx", "-X main.a=beta",
			"registry.example.com/beta", "0:0", "/beta", "/a", "beta", "m", "betat", "beta", "a beta b", "beta", "./beta", "/x/beta"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, warnings, err := doc.Resolve(Overrides{Args: tt.args})
			if err != nil || len(warnings) > 0 {
				t.Fatal(warnings, err)
			}
			if diff := cmp.Diff(tt.want, expanded(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := maps.Clone(doc.Service.Build.Args)
			maps.Copy(want, tt.args)
			if diff := cmp.Diff(want, s.Build.Args); diff != "" {
				t.Errorf("build.args (-want +got):\n%s", diff)
			}
			s.Build.Tags[0], s.Image.Labels["channel"], s.Image.Files[0].From, s.Build.Args["TAG"] = "x", "x", "x", "x"
		})
	}
	if after, _ := json.Marshal(doc.Service); string(after) != string(before) {
		t.Errorf("Resolve changed the document:\n%s\n%s", before, after)
	}
}

// TestResolveFlags: name, main and labels of flags stand over the document.
func TestResolveFlags(t *testing.T) {
	doc := mustParse(t, header+"name: a\nimage: {labels: {x: doc, y: doc}}\n")
	s, _, err := doc.Resolve(Overrides{Main: "./cmd/b", Name: "b", Labels: map[string]string{"x": "flag", "z": "${kept as it is}"}})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"x": "flag", "y": "doc", "z": "${kept as it is}"}
	if s.Name != "b" || s.Build.Main != "./cmd/b" || !maps.Equal(s.Image.Labels, labels) {
		t.Errorf("resolved to %+v", s)
	}
	if s, _, err := (&Document{Service: Service{APIVersion: APIVersion}}).Resolve(Overrides{Main: "./cmd/c"}); err != nil || s.Build.Main != "./cmd/c" {
		t.Errorf("a document without a file: %+v, %v", s, err)
	}
}

func TestResolvePredeclared(t *testing.T) {
	doc := mustParse(t, header+"build: {args: {VERSION: dev}}\nimage: {labels: {v: \"${VERSION}\", r: \"${REVISION}@${SOURCE_DATE_EPOCH}\"}}\n")
	s, warnings, err := doc.Resolve(Overrides{Args: map[string]string{
		"REVISION": "abc", "SOURCE_DATE_EPOCH": "1", "GOPROXY": "direct", "http_proxy": "x", "NO_PROXY": "y",
		"BUILDKIT_INLINE_CACHE": "1", "CHANEL": "beta", "VERSIO": "1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Image.Labels["v"] != "dev" || s.Image.Labels["r"] != "abc@1" {
		t.Errorf("labels %v", s.Image.Labels)
	}
	if diff := cmp.Diff(map[string]string{"VERSION": "dev"}, s.Build.Args); diff != "" {
		t.Errorf("build.args (-want +got):\n%s", diff)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.Rule+" "+w.Path)
	}
	if diff := cmp.Diff([]string{"undeclared-arg build.args.CHANEL", "undeclared-arg build.args.VERSIO"}, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// TestResolveErrors: what the arguments and flags break, at the place of the
// value in the document, or nowhere for a flag.
func TestResolveErrors(t *testing.T) {
	arg := func(name, value string) Overrides { return Overrides{Args: map[string]string{name: value}} }
	label := func(name, value string) Overrides { return Overrides{Labels: map[string]string{name: value}} }
	for _, tt := range []struct {
		name, text string
		o          Overrides
		want       string
	}{
		{"not given", "image: {labels: {v: \"${VERSION}\"}}", Overrides{}, "undefined-arg 2:21 image.labels.v\n"},
		{"user", "build: {args: {U: \"1\"}}\nimage: {user: \"${U}\"}", arg("U", "root"), "invalid-value 3:15 image.user\n"},
		{"empty", "build: {args: {B: scratch}}\nimage: {base: \"${B}\"}", arg("B", ""), "invalid-value 3:15 image.base\n"},
		{"outside", "build: {args: {D: a}}\nimage: {files: [{from: \"./${D}\", to: /a}]}", arg("D", "../../etc"), "outside-context 3:24 image.files[0].from\n"},
		{"flag smuggled", "build: {args: {C: a}, ldflags: [\"-X main.c=${C}\"]}", arg("C", "a -extldflags=-Wl,x"), "refused-ldflag 2:33 build.ldflags[0]\n"},
		{"duplicate", "build: {args: {P: \"1\"}}\nimage: {files: [{from: a, to: /1}, {from: b, to: \"/${P}\"}]}", Overrides{}, "duplicate-value 3:50 image.files[1].to\n"},
		{"mount", "build: {args: {W: w}}\nimage: {workdir: \"/${W}\"}", arg("W", "proc"), "covers-mount 3:18 image.workdir\n"},
		{"tag", "build: {args: {T: t}, tags: [\"${T}\"]}", arg("T", "a,b"), "invalid-value 2:30 build.tags[0]\n"},
		{"nul", "build: {args: {T: t}}", arg("T", "a\x00"), "invalid-value 0:0 build.args.T\n"},
		{"not utf-8", "build: {args: {T: t}}", arg("T", "\xff"), "invalid-value 0:0 build.args.T\n"},
		{"reserved label", "", label("build.plimsoll.static", "no"), "reserved-label 0:0 image.labels.build.plimsoll.static\n"},
		{"empty label", "", label("", "no"), "invalid-key 0:0 image.labels.\"\"\n"},
		{"main", "", Overrides{Main: "../x"}, "outside-context 0:0 build.main\n"},
		{"main and binaries", "build: {binaries: [{main: ./a}]}", Overrides{Main: "./x"}, "exclusive 0:0 build.main\n"},
		{"name", "name: a", Overrides{Name: "etc"}, "reserved-name 0:0 name\n"},
		{"blow-up", "build: {args: {A: x}}\nimage: {args: [\"" + strings.Repeat("${A}", 100) + "\"]}", arg("A", strings.Repeat("x", 20_000)), "too-large 3:16 image.args[0]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, err := mustParse(t, header+tt.text+"\n").Resolve(tt.o)
			var errs Errors
			if !errors.As(err, &errs) || s.APIVersion != "" {
				t.Fatalf("resolved to %+v, %v", s, err)
			}
			if diff := cmp.Diff(tt.want, summary(errs)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if errs[0].Position == (Position{}) != (errs[0].Excerpt == "") {
				t.Errorf("excerpt %q at %v", errs[0].Excerpt, errs[0].Position)
			}
		})
	}
}

func TestSplitLdflags(t *testing.T) {
	for _, tt := range []struct {
		elements, want []string
	}{
		{nil, nil},
		{[]string{"-X main.a=b", "-s"}, []string{"-X", "main.a=b", "-s"}},
		{[]string{"-X 'main.a=b c'", "\t-w  "}, []string{"-X", "main.a=b c", "-w"}},
		{[]string{`-X "main.a=it's"`, `-X=main.b="q"`, "''"}, []string{"-X", "main.a=it's", `-X=main.b="q"`, ""}},
	} {
		got, err := SplitLdflags(tt.elements)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q = %q, %v; want %q", tt.elements, got, err, tt.want)
		}
	}
	if got, err := SplitLdflags([]string{"-X 'main.a=b"}); err == nil {
		t.Errorf("an open quote gives %q", got)
	}
}

// TestResolveEmptyList: a rehearsal without arguments is not one with the image's.
func TestResolveEmptyList(t *testing.T) {
	for text, none := range map[string]bool{"{args: []}": true, "{for: 2s}": false} {
		s, _, err := mustParse(t, header+"build: {main: ./a}\nruntime: {rehearse: "+text+"}\n").Resolve(Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		if args := s.Runtime.Rehearse.Args; (args != nil) != none || len(args) > 0 {
			t.Errorf("%s: args are %#v", text, args)
		}
	}
}
