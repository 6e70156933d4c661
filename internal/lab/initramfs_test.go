package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func tarOf(t *testing.T, headers ...tar.Header) *tar.Reader {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		data := []byte(strings.Repeat("x", int(h.Size)))
		_, err := "", w.WriteHeader(&h)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return tar.NewReader(&out)
}

// What cpio reads is what was written, with modes, owners and parents.
func TestArchive(t *testing.T) {
	var out bytes.Buffer
	a := newArchive(&out)
	a.file("/init", 0o755, []byte("program"))
	err := a.tree("/images/app", tarOf(t,
		tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
		tar.Header{Name: "etc/ssl/ca.pem", Typeflag: tar.TypeReg, Mode: 0o644, Size: 5},
		tar.Header{Name: "home/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: 65532, Gid: 65532},
		tar.Header{Name: "app", Typeflag: tar.TypeSymlink, Linkname: "/bin/app"},
	))
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	got := list(t, out.Bytes())
	want := []string{
		"100755 0 0 init program",
		"040755 0 0 images",
		"040755 0 0 images/app",
		"041777 0 0 images/app/tmp",
		"040755 0 0 images/app/etc",
		"040755 0 0 images/app/etc/ssl",
		"100644 0 0 images/app/etc/ssl/ca.pem xxxxx",
		"040700 65532 65532 images/app/home",
		"120777 0 0 images/app/app /bin/app",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// list reads an archive as the kernel's init/initramfs.c does: 6 bytes of magic, 13 fields
// of 8 hexadecimal digits, name and data, both to the next multiple of 4.
func list(t *testing.T, data []byte) []string {
	t.Helper()
	var entries []string
	inodes := map[string]bool{}
	take := func(n int) string {
		if n > len(data) {
			t.Fatalf("the archive ends early, after %q", entries)
		}
		taken := string(data[:n])
		data = data[min((n+3)&^3, len(data)):]
		return taken
	}
	for {
		number := func(i int) int {
			n, err := strconv.ParseInt(string(data[6+8*i:14+8*i]), 16, 64)
			if err != nil || string(data[:6]) != "070701" {
				t.Fatalf("after %q: %v", entries, err)
			}
			return int(n)
		}
		if inode := string(data[6:14]); inodes[inode] {
			t.Errorf("the inode %s twice", inode)
		} else {
			inodes[inode] = true
		}
		mode, uid, gid, size, name := number(1), number(2), number(3), number(6), number(11)
		entry := fmt.Sprintf("%06o %d %d %s", mode, uid, gid, strings.TrimSuffix(take(110 + name)[110:], "\x00"))
		if strings.HasSuffix(entry, " TRAILER!!!") {
			return entries
		}
		entries = append(entries, strings.TrimSpace(entry+" "+take(size)))
	}
}

func TestArchiveRefuses(t *testing.T) {
	a := newArchive(&bytes.Buffer{})
	if err := a.tree("/images/app", tarOf(t, tar.Header{Name: "dev/null", Typeflag: tar.TypeChar})); err == nil {
		t.Error("a device was taken")
	}
}

func TestMerged(t *testing.T) {
	got := merged([]string{"A=1", "B=2"}, []string{"C=3", "A=4=5"})
	if want := []string{"A=4=5", "B=2", "C=3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
