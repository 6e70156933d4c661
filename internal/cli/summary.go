package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// summarise verifies what was built, from its bytes and before it is written anywhere,
// and says so in a line for each platform.
func summarise(ctx context.Context, s Streams, log *logrus.Logger, p *prepared, res *local.Result, cache local.Cache) error {
	reports, err := verdictsOn(ctx, p.title(), res, cache)
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

// verdictsOn verifies each image, or finds in the cache what was said of the very same image by
// this very program.
func verdictsOn(ctx context.Context, title string, res *local.Result, cache local.Cache) (verify.Reports, error) {
	var reports verify.Reports
	for _, img := range res.Images {
		key, err := verdictKey(title, img.Image)
		if err != nil {
			return nil, err
		}
		if data, ok := cache.Verdict(key); ok && key != "" {
			var r verify.Report
			if json.Unmarshal(data, &r) == nil && r.OK() && whole(r, img.Image) {
				reports = append(reports, r)
				continue
			}
		}
		found, err := verify.All(ctx, []verify.Subject{verify.FromImage(title, img.Image)})
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			reports = append(reports, r)
			if data, err := json.Marshal(r); err == nil && key != "" && r.OK() {
				_ = cache.KeepVerdict(key, data) // it only saves time
			}
		}
	}
	return reports, nil
}

// whole reports whether a report is about this image and says something of each rule: what a
// cache holds may be cut off, or not ours.
func whole(r verify.Report, img v1.Image) bool {
	digest, err := img.Digest()
	if err != nil || r.Digest != digest.String() {
		return false
	}
	judged := map[string]bool{}
	for _, res := range r.Results {
		judged[res.Rule] = res.Verdict != ""
	}
	return !slices.ContainsFunc(verify.Rules(), func(rule verify.Rule) bool { return !judged[rule.Name] })
}

// verdictKey is the image's digest and the identity of this program: another version has
// other rules. Empty where the program cannot be told from another.
func verdictKey(title string, img v1.Image) (string, error) {
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil //nolint:nilerr // no memory then
	}
	info, err := os.Stat(self)
	if err != nil {
		return "", nil //nolint:nilerr // no memory then
	}
	return fmt.Sprintf("%s %s %s %d %d", title, digest, self, info.Size(), info.ModTime().UnixNano()), nil
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

// verdicts counts them: "12 rules passed, 1 warn".
func verdicts(r verify.Report) string {
	counts := map[verify.Verdict]int{}
	for _, res := range r.Results {
		counts[res.Verdict]++
	}
	line := plural(counts[verify.Pass], "rule") + " passed"
	for _, v := range []verify.Verdict{verify.Fail, verify.Warn, verify.Unknown, verify.Skip} {
		if counts[v] > 0 {
			line += fmt.Sprintf(", %d %s", counts[v], v)
		}
	}
	return line
}
