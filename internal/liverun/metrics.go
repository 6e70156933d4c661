package liverun

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// metricNames are the samples of Go's own collector that are compared.
const (
	metricMemLimit = "go_gc_gomemlimit_bytes"
	metricMaxProcs = "go_sched_gomaxprocs_threads"
)

// CheckMetrics refuses a URL that is not plain HTTP on this machine.
func CheckMetrics(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); u.Scheme != "http" || u.Port() == "" || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not the address of a service on this machine: write http://127.0.0.1:PORT/PATH", text)
	}
	return nil
}

// scrape reads samples without labels from a page in Prometheus' text format.
func scrape(ctx context.Context, target string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/plain")
	// No proxy: the address is this machine's.
	resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading metrics: %s: %s", target, resp.Status)
	}
	return samples(io.LimitReader(resp.Body, 16<<20))
}

func samples(r io.Reader) (map[string]float64, error) {
	found := map[string]float64{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		value, _, _ = strings.Cut(value, " ") // a time may follow
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = n
		}
	}
	return found, lines.Err()
}
