package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/api/internal/server"
)

// corpServer is an HTTPS server that only certs/corp.pem vouches for.
func corpServer(t *testing.T) *httptest.Server {
	t.Helper()
	ca, err := tls.LoadX509KeyPair("../../certs/corp.pem", "../../certs/corp-key.pem")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello"))
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func clientTrusting(t *testing.T, pemFile string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if pemFile != "" {
		data, err := os.ReadFile(pemFile)
		if err != nil || !pool.AppendCertsFromPEM(data) {
			t.Fatalf("no certificate in %s: %v", pemFile, err)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

func TestOutbound(t *testing.T) {
	srv := corpServer(t)
	tests := []struct {
		roots, url string
		status     int
		contains   string
	}{
		{"", srv.URL, http.StatusBadGateway, "x509: certificate signed by unknown authority"},
		{"../../certs/corp.pem", srv.URL, http.StatusOK, `"bytes":5`},
		{"", "http://127.0.0.1/", http.StatusBadRequest, "want"},
		{"", "://", http.StatusBadRequest, "want"},
	}
	for _, tc := range tests {
		s := newServer(t, func(o *server.Options) { o.Outbound = clientTrusting(t, tc.roots) })
		rec := do(t, s, "GET", "/outbound?url="+tc.url, "")
		if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.contains) {
			t.Errorf("roots %q, %s: %d %s, want %d with %s", tc.roots, tc.url, rec.Code, rec.Body, tc.status, tc.contains)
		}
	}
}
