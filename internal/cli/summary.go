package cli

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// summarise verifies what was built, from its bytes and before it is written anywhere,
// and says so in a line for each platform.
func summarise(ctx context.Context, s Streams, log *logrus.Logger, p *prepared, res *local.Result) error {
	var subjects []verify.Subject
	for _, img := range res.Images {
		subjects = append(subjects, verify.FromImage(p.title(), img.Image))
	}
	reports, err := verify.All(ctx, subjects)
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
