package llbgen

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// vertex is one operation of a definition, read back.
type vertex struct {
	name   string
	digest digest.Digest
	op     *pb.Op
	meta   *pb.OpMetadata
}

// readBack decodes a state's definition, inputs before what uses them.
func readBack(t *testing.T, st llb.State) []vertex {
	t.Helper()
	def, err := st.Marshal(context.Background(), llb.LocalUniqueID("test"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vertex
	for _, data := range def.Def {
		op := &pb.Op{}
		if err := op.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		dgst := digest.FromBytes(data)
		md := def.Metadata[dgst]
		all = append(all, vertex{md.Description["llb.customname"], dgst, op, md.ToPB()})
	}
	return all[:len(all)-1] // the last op only names the result
}

// dump prints vertices for a golden file.
func dump(all []vertex) string {
	var b strings.Builder
	index := map[string]int{}
	for i, v := range all {
		index[string(v.digest)] = i
		fmt.Fprintf(&b, "%d: %s\n", i, v.name)
		for n, in := range v.op.Inputs {
			fmt.Fprintf(&b, "   input %d = %d.%d\n", n, index[in.Digest], in.Index)
		}
		if v.op.Platform != nil {
			fmt.Fprintf(&b, "   platform %s/%s\n", v.op.Platform.OS, v.op.Platform.Architecture)
		}
		switch op := v.op.Op.(type) {
		case *pb.Op_Source:
			fmt.Fprintf(&b, "   source %s\n", op.Source.Identifier)
		case *pb.Op_Exec:
			dumpExec(&b, op.Exec)
		case *pb.Op_File:
			for _, a := range op.File.Actions {
				fmt.Fprintf(&b, "   [%d %d -> %d] %s\n", a.Input, a.SecondaryInput, a.Output, action(a))
			}
		}
	}
	return b.String()
}

func dumpExec(b *strings.Builder, e *pb.ExecOp) {
	fmt.Fprintf(b, "   argv %q\n   cwd %s\n   network %s\n", e.Meta.Args, e.Meta.Cwd, e.Network)
	for _, kv := range e.Meta.Env {
		fmt.Fprintf(b, "   env %s\n", kv)
	}
	if p := e.Meta.ProxyEnv; p != nil {
		fmt.Fprintf(b, "   proxy %s %s %s\n", p.HttpProxy, p.HttpsProxy, p.NoProxy)
	}
	for _, m := range e.Mounts {
		fmt.Fprintf(b, "   mount %s %s in=%d out=%d", m.Dest, m.MountType, m.Input, m.Output)
		if m.Readonly {
			b.WriteString(" ro")
		}
		if m.ContentCache != pb.MountContentCache_DEFAULT {
			fmt.Fprintf(b, " content=%s", m.ContentCache)
		}
		if m.CacheOpt != nil {
			fmt.Fprintf(b, " cache=%s", m.CacheOpt.ID)
		}
		if m.SecretOpt != nil {
			fmt.Fprintf(b, " secret=%s", m.SecretOpt.ID)
		}
		b.WriteString("\n")
	}
}

func action(a *pb.FileAction) string {
	switch a := a.Action.(type) {
	case *pb.FileAction_Mkdir:
		return fmt.Sprintf("mkdir %s %04o %s", a.Mkdir.Path, a.Mkdir.Mode, ids(a.Mkdir.Owner))
	case *pb.FileAction_Mkfile:
		return fmt.Sprintf("mkfile %s %04o %s %s", a.Mkfile.Path, a.Mkfile.Mode, ids(a.Mkfile.Owner), digest.FromBytes(a.Mkfile.Data))
	case *pb.FileAction_Symlink:
		return fmt.Sprintf("symlink %s -> %s %s", a.Symlink.Newpath, a.Symlink.Oldpath, ids(a.Symlink.Owner))
	case *pb.FileAction_Copy:
		return copied(a.Copy)
	}
	return fmt.Sprintf("%T", a.Action)
}

func copied(c *pb.FileActionCopy) string {
	s := fmt.Sprintf("copy %s -> %s", c.Src, c.Dest)
	if c.ModeStr != "" {
		s += " mode=" + c.ModeStr
	} else if c.Mode >= 0 {
		s += fmt.Sprintf(" mode=%04o", c.Mode)
	}
	if c.Owner != nil {
		s += " " + ids(c.Owner)
	}
	if c.Timestamp >= 0 {
		s += " time=" + time.Unix(0, c.Timestamp).UTC().Format(time.RFC3339)
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{c.DirCopyContents, "contents"}, {c.FollowSymlink, "follow"}, {c.CreateDestPath, "parents"}, {c.AllowWildcard, "wildcard"}} {
		if flag.set {
			s += " " + flag.name
		}
	}
	if len(c.IncludePatterns) > 0 {
		s += fmt.Sprintf(" include=%q", c.IncludePatterns)
	}
	if len(c.ExcludePatterns) > 0 {
		s += fmt.Sprintf(" exclude=%q", c.ExcludePatterns)
	}
	return s
}

func ids(o *pb.ChownOpt) string {
	if o == nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", o.User.GetByID(), o.Group.GetByID())
}

// named finds the vertices whose names contain text.
func named(all []vertex, text string) []vertex {
	return slices.DeleteFunc(slices.Clone(all), func(v vertex) bool { return !strings.Contains(v.name, text) })
}

// capabilities are what a daemon must know for the vertices.
func capabilities(all []vertex) []string {
	caps := map[string]bool{}
	for _, v := range all {
		maps.Copy(caps, v.meta.Caps)
	}
	return slices.Sorted(maps.Keys(caps))
}
