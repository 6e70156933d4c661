package service

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// tiers are the own packages from the leaves up, and each one's share in tenths. A package
// imports some of the tier below it.
var tiers = []struct {
	name  string
	share int
}{{"kit", 3}, {"domain", 3}, {"store", 2}, {"handler", 2}}

var nouns = []string{
	"Order", "Invoice", "Parcel", "Customer", "Depot", "Tariff", "Voucher", "Carrier", "Contract", "Pallet",
	"Refund", "Receipt", "Supplier", "Basket", "Price", "Route", "Ticket", "Account", "Ledger", "Payment",
}

var fieldNames = []string{
	"Weight", "Height", "Amount", "Count", "Level", "Rank", "Grade", "Quota", "Limit", "Offset", "Rate", "Total",
}

type generator struct {
	Options
	random *rand.Rand
	files  map[string]string
	// top are the import paths of the highest tier, opens those of the adapters.
	top, opens []string
}

// packages writes the tiers.
func (g *generator) packages() {
	var below []string
	for _, tier := range tiers {
		var this []string
		for i := range max(1, g.Packages*tier.share/10) {
			name := fmt.Sprintf("%s%02d", tier.name, i)
			dir := path.Join("internal", tier.name, name)
			g.writePackage(dir, name, g.some(below, i))
			this = append(this, path.Join(Module, dir))
		}
		below = this
	}
	g.top = below
}

// some picks up to five packages, the i-th of them always: so that each one is reached.
func (g *generator) some(from []string, i int) []string {
	if len(from) == 0 {
		return nil
	}
	picked := []string{from[0], from[i%len(from)]}
	for j := range from {
		if j%max(1, len(from)/3) == i%max(1, len(from)/3) {
			picked = append(picked, from[j])
		}
	}
	slices.Sort(picked)
	return slices.Compact(picked)
}

// writePackage writes two files: the types, and what joins them with the packages below.
func (g *generator) writePackage(dir, name string, imports []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"cmp\"\n\t\"encoding/json\"\n\t\"errors\"\n\t\"fmt\"\n\t\"net/http\"\n\t\"slices\"\n\t\"strings\"\n\t\"sync\"\n)\n\n", name)
	for i := range g.Entities {
		g.entity(&b, fmt.Sprintf("%s%d", nouns[g.random.IntN(len(nouns))], i))
	}
	b.WriteString(generics)
	g.files[dir+"/types.go"] = b.String()
	g.files[dir+"/"+name+".go"] = joinText(name, imports, g.random.IntN(1000))
	g.files[dir+"/edit.go"] = editText(name, 0)
	if name == "kit00" || name == "handler00" {
		g.files[dir+"/notes.txt"] = fmt.Sprintf("notes of %s, %d\n", name, g.random.IntN(1000))
		g.files[dir+"/notes.go"] = fmt.Sprintf("package %s\n\nimport _ \"embed\"\n\n// Notes are the text of this package.\n//\n//go:embed notes.txt\nvar Notes string\n", name)
	}
}

// joinText is the package's face: Run calls every package below.
func joinText(name string, imports []string, seed int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// Package %s is generated.\npackage %s\n\n", name, name)
	if len(imports) > 0 {
		b.WriteString("import (\n")
		for _, i := range imports {
			fmt.Fprintf(&b, "\t%q\n", i)
		}
		b.WriteString(")\n\n")
	}
	fmt.Fprintf(&b, "// Run works through the package and those below it.\nfunc Run(depth int) int {\n\ttotal := work(depth + %d)\n", seed)
	if len(imports) > 0 {
		b.WriteString("\tif depth <= 0 {\n\t\treturn total\n\t}\n")
	}
	for _, i := range imports {
		fmt.Fprintf(&b, "\ttotal += %s.Run(depth - 1)\n", path.Base(i))
	}
	b.WriteString("\treturn total\n}\n\n")
	return b.String()
}

// entity writes one type with its methods, a store of it and a handler.
func (g *generator) entity(b *strings.Builder, name string) {
	fields := slices.Clone(fieldNames)
	g.random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	fields = fields[:5]
	fmt.Fprintf(b, "// %s is one of the records.\ntype %s struct {\n\tID   string `json:\"id\"`\n\tTags []string `json:\"tags\"`\n", name, name)
	for _, f := range fields {
		fmt.Fprintf(b, "\t%s int `json:%q`\n", f, strings.ToLower(f))
	}
	fmt.Fprintf(b, "}\n\n// Validate says what is wrong with the record.\nfunc (r *%s) Validate() error {\n\tvar errs []error\n\tif strings.TrimSpace(r.ID) == \"\" {\n\t\terrs = append(errs, errors.New(\"no id\"))\n\t}\n", name)
	for _, f := range fields {
		fmt.Fprintf(b, "\tif r.%s < 0 || r.%s > %d {\n\t\terrs = append(errs, fmt.Errorf(\"%s of %%s is out of range: %%d\", r.ID, r.%s))\n\t}\n", f, f, 100+g.random.IntN(10000), strings.ToLower(f), f)
	}
	fmt.Fprintf(b, "\treturn errors.Join(errs...)\n}\n\n// Score weighs the record.\nfunc (r *%s) Score() int {\n\ttotal := len(r.Tags)\n", name)
	for i, f := range fields {
		fmt.Fprintf(b, "\tif r.%s > %d {\n\t\ttotal += r.%s * %d\n\t} else {\n\t\ttotal -= %d\n\t}\n", f, g.random.IntN(100), f, i+g.random.IntN(9), g.random.IntN(50))
	}
	b.WriteString("\treturn total\n}\n\n")
	b.WriteString(strings.ReplaceAll(storeText, "NAME", name))
}

// mains writes the two main packages. The second does without most of the adapters.
func (g *generator) mains() {
	g.main(Main, g.opens)
	g.main(Second, g.opens[:2])
}

func (g *generator) main(dir string, opens []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "// Command %s is generated.\npackage main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n", path.Base(dir))
	all := slices.Concat(g.top, opens)
	for _, i := range all {
		fmt.Fprintf(&b, "\t%q\n", i)
	}
	b.WriteString(")\n\nvar revision = \"none\"\n\nfunc main() {\n\ttotal := 0\n")
	for _, i := range g.top {
		fmt.Fprintf(&b, "\ttotal += %s.Run(3)\n", path.Base(i))
	}
	b.WriteString("\tfmt.Println(revision, total)\n\tif len(os.Args) < 2 {\n\t\treturn\n\t}\n")
	for _, i := range opens {
		fmt.Fprintf(&b, "\tfmt.Println(%s.Open())\n", path.Base(i))
	}
	b.WriteString("}\n")
	g.files[dir+"/main.go"] = b.String()
	g.files[dir+"/edit.go"] = editText("main", 0)
}

// adapters writes the packages that use other modules.
func (g *generator) adapters() {
	for _, a := range adapters {
		if a.heavy && g.Small {
			continue
		}
		dir := path.Join("internal", "adapter", a.name)
		g.files[dir+"/"+a.name+".go"] = "// Package " + a.name + " is an adapter.\npackage " + a.name + "\n" + a.text
		g.opens = append(g.opens, path.Join(Module, dir))
	}
}
