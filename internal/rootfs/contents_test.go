package rootfs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

func TestCheckContents(t *testing.T) {
	key := rootfs.Location{Layer: 0, Position: 7}
	tests := []struct {
		path string
		kind rootfs.Type
		mode plan.Mode
		want rootfs.Kind
	}{
		{"/bin/busybox", rootfs.File, 0o755, rootfs.Shell},
		{"/bin/sh", rootfs.Symlink, 0o777, rootfs.Shell},
		{"/usr/share/sh", rootfs.File, 0o755, ""},
		{"/bin/bash", rootfs.File, 0o644, ""},
		{"/sbin/apk", rootfs.File, 0o755, rootfs.PackageTool},
		{"/usr/bin/su", rootfs.File, 0o4755, rootfs.SetID},
		{"/usr/bin/wall", rootfs.File, 0o2755, rootfs.SetID},
		{"/srv/shared", rootfs.Dir, 0o2775, ""},
		{"/tmp", rootfs.Dir, 0o1777, ""},
		{"/data", rootfs.Dir, 0o777, rootfs.WorldWritable},
		{"/data", rootfs.File, 0o666, rootfs.WorldWritable},
		{"/link", rootfs.Symlink, 0o777, ""},
		{"/app/.git", rootfs.Dir, 0o755, rootfs.Secret},
		{"/root/.netrc", rootfs.File, 0o600, rootfs.Secret},
		{"/home/x/.docker/config.json", rootfs.File, 0o600, rootfs.Secret},
		{"/etc/app/config.json", rootfs.File, 0o644, ""},
		{"/etc/ssl/key.pem", rootfs.File, 0o644, rootfs.Secret},
		{"/go/pkg/mod", rootfs.Dir, 0o755, rootfs.Leftover},
		{"/go/pkg/mod/cache", rootfs.Dir, 0o755, ""},
		{"/src/go.mod", rootfs.File, 0o644, rootfs.Leftover},
		{"/orders", rootfs.File, 0o755, ""},
	}
	for _, tc := range tests {
		x := rootfs.New()
		e := rootfs.Entry{Path: tc.path, Type: tc.kind, Mode: tc.mode}
		if tc.path == "/etc/ssl/key.pem" {
			e.Content = key
		}
		if err := x.Add(e); err != nil {
			t.Fatal(err)
		}
		var got []rootfs.Kind
		for _, u := range rootfs.CheckContents(x, func(at rootfs.Location) bool { return at == key }) {
			if u.Entry.Path == tc.path {
				got = append(got, u.Kind)
			}
		}
		var want []rootfs.Kind
		if tc.want != "" {
			want = append(want, tc.want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (%s %o): %s", tc.path, tc.kind, tc.mode, diff)
		}
	}
}
