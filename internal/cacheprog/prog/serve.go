package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// request and response are the protocol's (cmd/go/internal/cacheprog).
type request struct {
	ID       int64
	Command  string
	ActionID []byte
	OutputID []byte
	BodySize int64
}

type response struct {
	ID            int64
	Err           string     `json:",omitempty"`
	KnownCommands []string   `json:",omitempty"`
	Miss          bool       `json:",omitempty"`
	OutputID      []byte     `json:",omitempty"`
	Size          int64      `json:",omitempty"`
	Time          *time.Time `json:",omitempty"`
	DiskPath      string     `json:",omitempty"`
}

// serve answers requests in order until the go command closes. Each is a file or two: the
// go command gains nothing from answers out of order.
func serve(c *cache, in io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	send := func(r response) error {
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return err
		}
		return w.Flush()
	}
	if err := send(response{KnownCommands: []string{"get", "put", "close"}}); err != nil {
		return err
	}
	requests := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	for {
		var r request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return c.close()
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		body, err := bodyOf(requests, r)
		if err != nil {
			return err
		}
		answer := c.answer(r, body)
		answer.ID = r.ID
		if err := send(answer); err != nil {
			return err
		}
		if r.Command == "close" {
			return nil
		}
	}
}

// bodyOf reads what follows a put: a string of base64.
func bodyOf(requests *json.Decoder, r request) ([]byte, error) {
	if r.Command != "put" || r.BodySize == 0 {
		return nil, nil
	}
	var text string
	if err := requests.Decode(&text); err != nil {
		return nil, fmt.Errorf("reading a body: %w", err)
	}
	body, err := base64.StdEncoding.DecodeString(text)
	if err == nil && int64(len(body)) != r.BodySize {
		err = fmt.Errorf("%d bytes, and %d were announced", len(body), r.BodySize)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a body: %w", err)
	}
	return body, nil
}

func (c *cache) answer(r request, body []byte) response {
	if r.Command == "close" {
		if err := c.close(); err != nil {
			return response{Err: err.Error()}
		}
		return response{}
	}
	if len(r.ActionID) == 0 {
		return response{Err: "a request without an action"}
	}
	switch r.Command {
	case "get":
		e, ok, err := c.get(r.ActionID)
		if err != nil {
			return response{Err: err.Error()}
		}
		if !ok {
			return response{Miss: true}
		}
		made := time.Unix(0, e.time)
		return response{OutputID: e.output, Size: e.size, Time: &made, DiskPath: outputFile(c.dir, e.output)}
	case "put":
		if len(r.OutputID) == 0 {
			return response{Err: "a put without an output"}
		}
		if err := c.put(r.ActionID, r.OutputID, body); err != nil {
			return response{Err: err.Error()}
		}
		return response{DiskPath: outputFile(c.dir, r.OutputID)}
	}
	return response{Err: fmt.Sprintf("unknown command %q", r.Command)}
}
