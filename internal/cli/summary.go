package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// summarise verifies what was built, from its bytes and before it is written anywhere,
// and says so in a line for each platform.
func summarise(ctx context.Context, s Streams, log *logrus.Logger, p *prepared, res *local.Result, ahead *verify.Ahead, cache local.Cache) error {
	reports, err := verdictsOn(ctx, p.title(), res, ahead, cache)
	if err != nil {
		return fmt.Errorf("verifying the result: %w", err)
	}
	for _, r := range reports {
		if !acceptable(log, r) {
			return errors.Join(reports.Text(s.Err, colourful(s.Err)), errors.New("the image does not verify, so nothing was written"))
		}
	}
	for i, r := range reports {
		size, err := imageSize(res.Images[i].Image)
		if err != nil {
			return err
		}
		log.Infof("%s: verified, %s; %s compressed, %s", r.Platform, verdicts(r), tuning.RoundedSize(size), r.Digest)
	}
	return nil
}

// verdictsOn verifies all images together, or finds in the cache what was said of the very
// same images by this very program.
func verdictsOn(ctx context.Context, title string, res *local.Result, ahead *verify.Ahead, cache local.Cache) (verify.Reports, error) {
	var subjects []verify.Subject
	var digests []string
	for _, img := range res.Images {
		digest, err := img.Image.Digest()
		if err != nil {
			return nil, err
		}
		digests = append(digests, digest.String())
		subject := verify.FromImage(title, img.Image)
		subject.Ahead = ahead
		subjects = append(subjects, subject)
	}
	key := verdictKey(title, digests)
	if key == "" {
		return verify.All(ctx, subjects)
	}
	if data, ok := cache.Verdict(key); ok {
		var kept verify.Reports
		if json.Unmarshal(data, &kept) == nil && whole(kept, digests) {
			return kept, nil
		}
	}
	reports, err := verify.All(ctx, subjects)
	if err != nil || slices.ContainsFunc(reports, func(r verify.Report) bool { return !r.OK() }) {
		return reports, err
	}
	if data, err := json.Marshal(reports); err == nil {
		_ = cache.KeepVerdict(key, data) // it only saves time
	}
	return reports, nil
}

// whole reports whether reports are about these images, in this order, and each is good and
// says something of each rule: what a cache holds may be cut off, or not ours.
func whole(reports verify.Reports, digests []string) bool {
	about := func(r verify.Report, digest string) bool {
		judged := map[string]bool{}
		for _, res := range r.Results {
			judged[res.Rule] = res.Verdict != ""
		}
		return r.OK() && r.Digest == digest &&
			!slices.ContainsFunc(verify.Rules(), func(rule verify.Rule) bool { return !judged[rule.Name] })
	}
	return slices.EqualFunc(reports, digests, about)
}

// verdictKey names the images and this program: another version has other rules. It is empty
// where the program cannot be told from another, and nothing is remembered then.
func verdictKey(title string, digests []string) string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(self)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %s %s %d %d", title, digests, self, info.Size(), info.ModTime().UnixNano())
}

// acceptable reports whether nothing failed but the rule user, which is a warning here:
// root is in an image only where its spec asks for it, and verify's to refuse later.
func acceptable(log *logrus.Logger, r verify.Report) bool {
	for _, res := range r.Results {
		switch {
		case res.OK():
		case res.Rule == "user":
			log.Warnf("%s: the rule user of plimsoll verify will refuse this image", r.Platform)
		default:
			return false
		}
	}
	return true
}

// imageSize is what a registry has to hold, in bytes.
func imageSize(img v1.Image) (int64, error) {
	m, err := img.Manifest()
	if err != nil {
		return 0, fmt.Errorf("reading the manifest: %w", err)
	}
	size := m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return size, nil
}

// verdicts counts them, and names those that somebody may want to look at: "12 rules passed,
// 1 warn (base), 2 skip".
func verdicts(r verify.Report) string {
	rules := map[verify.Verdict][]string{}
	for _, res := range r.Results {
		rules[res.Verdict] = append(rules[res.Verdict], res.Rule)
	}
	line := plural(len(rules[verify.Pass]), "rule") + " passed"
	for _, v := range []verify.Verdict{verify.Fail, verify.Warn, verify.Unknown} {
		if names := rules[v]; len(names) > 0 {
			line += fmt.Sprintf(", %d %s (%s)", len(names), v, strings.Join(names, ", "))
		}
	}
	if n := len(rules[verify.Skip]); n > 0 {
		line += fmt.Sprintf(", %d %s", n, verify.Skip)
	}
	return line
}
