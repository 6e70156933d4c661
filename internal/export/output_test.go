package export

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/compression"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		value string
		want  Output
	}{
		{"type=oci,dest=out.tar", Output{Type: TypeOCI, Dest: "out.tar"}},
		{"type=oci,dest=-", Output{Type: TypeOCI, Dest: "-"}},
		{"type=oci,tar=false,dest=out", Output{Type: TypeOCI, Dest: "out", Dir: true}},
		{"type=oci,tar=true,dest=a=b", Output{Type: TypeOCI, Dest: "a=b"}},
		{`type=oci,"dest=with, comma"`, Output{Type: TypeOCI, Dest: "with, comma"}},
		{"type=docker", Output{Type: TypeDocker}},
		{"type=docker,dest=d.tar,compression=gzip,oci-mediatypes=true", Output{Type: TypeDocker, Dest: "d.tar", Compression: compression.GZip}},
		{"type=registry,compression=zstd", Output{Type: TypeImage, Push: true, Compression: compression.ZStd}},
		{"type=image,push=true", Output{Type: TypeImage, Push: true}},
		{`type=registry,"name=a/b:1,a/b:2"`, Output{Type: TypeImage, Push: true, Names: []string{"a/b:1", "a/b:2"}}},
		{"type=image,push=true,annotation.org.x=1,annotation-manifest.org.Y=a=b", Output{Type: TypeImage, Push: true, Annotations: map[string]string{"org.x": "1", "org.Y": "a=b"}}},
		{"type=tar,dest=r.tar", Output{Type: TypeTar, Dest: "r.tar"}},
		{"./out", Output{Type: TypeLocal, Dest: "./out"}},
		{"a=b", Output{Type: TypeLocal, Dest: "a=b"}},
		{"-", Output{Type: TypeTar, Dest: "-"}},
	} {
		got, err := Parse(test.value)
		if err != nil {
			t.Errorf("%s: %v", test.value, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.value, diff)
		}
	}
}

// TestWhere reads what a daemon was asked for, with attributes that only it knows.
func TestWhere(t *testing.T) {
	for value, want := range map[string]Output{
		"type=image,push=true,force-compression=true,name-canonical=true": {Type: TypeImage, Push: true},
		"type=registry,name=r/a:1,compression=estargz,registry.insecure=true,annotation-index.a=b": {
			Type: TypeImage, Push: true, Names: []string{"r/a:1"}},
		"type=oci,dest=a.tar,compression=zstd,compression-level=9": {Type: TypeOCI, Dest: "a.tar"},
		"type=oci,tar=false,dest=a,rewrite-timestamp=true":         {Type: TypeOCI, Dest: "a", Dir: true},
		"out": {Type: TypeLocal, Dest: "out"},
		"-":   {Type: TypeTar, Dest: Stdout},
	} {
		got, err := Where(value)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", value, err, diff)
		}
	}
	if _, err := Where("type=image,push=perhaps"); err == nil {
		t.Error("a push that may be was taken")
	}
}

func TestParseRefuses(t *testing.T) {
	for value, want := range map[string]string{
		"":                                        "empty",
		"dest=x,tar=true":                         "type= is missing",
		"type=nosuch":                             "type=nosuch",
		"type=oci":                                "needs dest=",
		"type=tar":                                "needs dest=",
		"type=image":                              "needs push=true",
		"type=image,push=maybe":                   "push=maybe",
		"type=image,push=true,dest=x":             "no dest=",
		"type=oci,dest=x,push=true":               "push=true is for",
		"type=docker,dest=x,tar=false":            "tar=false is for",
		"type=oci,dest=x,compression=estargz":     "compression=estargz",
		"type=docker,compression=zstd":            "compression=zstd is for",
		"type=local,dest=x,compression=zstd":      "compression=zstd is for",
		"type=oci,dest=x,compression-level=3":     "attribute compression-level",
		"type=oci,dest=x,oci-mediatypes=false":    "oci-mediatypes=false",
		"type=oci,dest=x,rewrite-timestamp=true":  "rewrite-timestamp=true",
		"type=oci,dest=x,annotation-index.a=b":    "annotation-index.a",
		"type=oci,dest=x,nosuch=1":                "attribute nosuch",
		"type=oci,dest":                           "not key=value",
		"type=local,dest=-":                       "stdout",
		"type=oci,tar=false,dest=-":               "stdout",
		`type=oci,"dest=x`:                        `type=oci,\"dest=x`,
		"type=image,push=true,push-by-digest=yes": "push-by-digest=yes",
	} {
		if o, err := Parse(value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v and error %v, want one with %q", value, o, err, want)
		}
	}
}

func TestCompression(t *testing.T) {
	for _, test := range []struct {
		outputs []string
		want    compression.Compression
		err     string
	}{
		{nil, compression.GZip, ""},
		{[]string{"type=oci,dest=x", "type=registry,compression=gzip", "type=docker"}, compression.GZip, ""},
		{[]string{"type=oci,dest=x,compression=zstd", "type=registry,compression=zstd"}, compression.ZStd, ""},
		{[]string{"type=tar,dest=x", "type=registry,compression=zstd", "out"}, compression.ZStd, ""},
		{[]string{"type=oci,dest=x,compression=zstd", "type=docker"}, "", "to x has zstd, to docker gzip"},
		{[]string{"type=oci,dest=x", "type=registry,compression=zstd"}, "", "to a registry has zstd, to x gzip"},
	} {
		var outputs []Output
		for _, value := range test.outputs {
			o, err := Parse(value)
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, o)
		}
		got, err := Compression(outputs)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %q and error %v, want %q and %q", test.outputs, got, err, test.want, test.err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		output    string
		names     []string
		platforms int
		want      string
	}{
		{"type=registry", nil, 1, "needs a name"},
		{"type=registry", []string{"a/b"}, 2, ""},
		{"type=registry", []string{"A B"}, 1, "A B"},
		{"type=registry", []string{"a@sha256:" + strings.Repeat("0", 64)}, 1, "digest"},
		{"type=docker", nil, 2, "one platform"},
		{"type=docker", nil, 1, ""},
	} {
		o, err := Parse(test.output)
		if err != nil {
			t.Fatal(err)
		}
		err = o.Check(test.names, test.platforms)
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s, %q, %d platforms: %v, want %q", test.output, test.names, test.platforms, err, test.want)
		}
	}
}
