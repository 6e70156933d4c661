package verify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// docsRoot is where Rule.Docs lies for a reader without the source.
const docsRoot = "https://github.com/plimsoll-build/plimsoll/blob/main/"

// The parts of SARIF 2.1.0 that a report needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string       `json:"id"`
		ShortDescription     sarifMessage `json:"shortDescription"`
		HelpURI              string       `json:"helpUri"`
		DefaultConfiguration struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Kind                string            `json:"kind"`
		Level               string            `json:"level"`
		Message             sarifMessage      `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
		Properties          map[string]string `json:"properties"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation struct {
			ArtifactLocation struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
		LogicalLocations []sarifLogical `json:"logicalLocations"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// SARIF writes what is wrong or doubtful as SARIF 2.1.0: one result for each
// finding, and one for each rule that could not be judged. Passes and skips are
// left out, because common readers show every result as an alarm.
func (rs Reports) SARIF(w io.Writer) error {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: make([]sarifRun, 1)}
	run := &log.Runs[0]
	run.Tool.Driver = sarifDriver{Name: "plimsoll", InformationURI: "https://github.com/plimsoll-build/plimsoll"}
	run.Results = []sarifResult{}
	index := map[string]int{}
	for i, r := range rs.reported() {
		index[r.Name] = i
		row := sarifRule{ID: r.Name, ShortDescription: sarifMessage{r.Proves}, HelpURI: docsRoot + r.Docs}
		row.DefaultConfiguration.Level = string(r.Severity)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, row)
	}
	for _, report := range rs {
		for _, res := range report.Results {
			run.Results = append(run.Results, report.sarif(res, index[res.Rule])...)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(log); err != nil {
		return fmt.Errorf("writing the report as SARIF: %w", err)
	}
	return nil
}

// sarif is one rule's verdict as results. What makes the report not ok is an error
// for every reader: SARIF's kind "open" would be passed over by most.
func (r Report) sarif(res Result, index int) []sarifResult {
	if res.Verdict == Pass || (res.Verdict == Skip && res.OK()) {
		return nil
	}
	level := "warning"
	if !res.OK() {
		level = "error"
	}
	var all []sarifResult
	add := func(f Finding, text string) {
		where := f.Where
		key := sha256.Sum256([]byte(strings.Join([]string{res.Rule, r.Platform, where}, "\x00")))
		one := sarifResult{RuleID: res.Rule, RuleIndex: index, Kind: "fail", Level: level, Message: sarifMessage{text},
			PartialFingerprints: map[string]string{"plimsoll/v1": hex.EncodeToString(key[:])},
			Properties:          map[string]string{"verdict": string(res.Verdict), "platform": printable(r.Platform), "digest": r.Digest}}
		at := sarifLocation{LogicalLocations: []sarifLogical{{printable(r.Platform + " " + where)}}}
		at.PhysicalLocation.ArtifactLocation.URI = (&url.URL{Path: cmp.Or(f.File, r.Ref)}).String()
		if f.Line > 0 {
			at.PhysicalLocation.Region = &sarifRegion{f.Line}
		}
		one.Locations = []sarifLocation{at}
		all = append(all, one)
	}
	for _, f := range res.Findings {
		add(f, f.line())
	}
	if res.Verdict == Unknown || res.Verdict == Skip || len(all) == 0 {
		add(Finding{Where: "image"}, fmt.Sprintf("%s: %s", res.Verdict, printable(res.Reason)))
	}
	return all
}
