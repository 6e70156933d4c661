package verify

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Markdown writes the reports for a pull request or a job's summary: what is wrong
// or doubtful first and in full, the rest in one line.
func (rs Reports) Markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, r := range rs {
		r.markdown(out)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the report as Markdown: %w", err)
	}
	return nil
}

func (r Report) markdown(w io.Writer) {
	verdict := "ok"
	if !r.OK() {
		verdict = "not ok"
	}
	fmt.Fprintf(w, "### %s %s: %s\n\n", escaped(r.Ref), escaped(r.Platform), verdict)
	if r.Digest != "" {
		fmt.Fprintf(w, "`%s`\n\n", r.Digest)
	}
	quiet := map[Verdict][]string{}
	header := "| verdict | rule | |\n|---|---|---|\n"
	for _, res := range r.Results {
		if res.OK() && (res.Verdict == Pass || res.Verdict == Skip) {
			quiet[res.Verdict] = append(quiet[res.Verdict], res.Rule)
			continue
		}
		var lines []string
		if res.Reason != "" {
			lines = append(lines, escaped(res.Reason))
		}
		for _, f := range res.Findings {
			lines = append(lines, markup.Replace(f.line()))
		}
		fmt.Fprintf(w, "%s| %s | %s | %s |\n", header, res.Verdict, escaped(res.Rule), strings.Join(lines, "<br>"))
		header = ""
	}
	if header == "" {
		fmt.Fprintln(w)
	}
	for _, v := range []Verdict{Pass, Skip} {
		if len(quiet[v]) > 0 {
			fmt.Fprintf(w, "%s: %s\n\n", v, escaped(strings.Join(quiet[v], ", ")))
		}
	}
}

// markup is what Markdown, and the HTML that it lets through, would act on.
var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`,
	"~", `\~`, "#", `\#`, "&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "://", ":&#47;/")

// escaped is s as text: what an image says of itself must not become a link, a
// mention or a row of the table.
func escaped(s string) string { return markup.Replace(printable(s)) }
