package testenv

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTrafficCountsBothWays(t *testing.T) {
	var traffic Traffic
	server := httptest.NewServer(traffic.Count(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		_, _ = w.Write(sent[:2])
		_, _ = io.Copy(w, strings.NewReader("more"))
	})))
	defer server.Close()
	answer, err := http.Post(server.URL, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); string(body) != "hemore" || err != nil {
		t.Errorf("the answer is %q, %v", body, err)
	}
	if traffic.Pushed() != 5 || traffic.Pulled() != 6 {
		t.Errorf("%d pushed, %d pulled", traffic.Pushed(), traffic.Pulled())
	}
}
