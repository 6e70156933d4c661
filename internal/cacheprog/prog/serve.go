package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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

// maxBody bounds one output, in bytes.
const maxBody = 1 << 30

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
	requests := bufio.NewReaderSize(in, 1<<18)
	for {
		r, err := next(requests)
		if errors.Is(err, io.EOF) {
			return c.close()
		}
		if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		body, err := bodyOf(requests, r)
		if err != nil {
			return fmt.Errorf("reading a body: %w", err)
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

// next reads a request, which is one line; lines without anything part it from a body.
func next(in *bufio.Reader) (r request, err error) {
	for {
		line, err := in.ReadSlice('\n')
		line = bytes.TrimSpace(line)
		if len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return r, json.Unmarshal(line, &r)
		}
		if err != nil {
			return r, err
		}
	}
}

// bodyOf reads what follows a put: a string of base64. A JSON decoder would look at each of
// its bytes three times, and bodies are all that a build compiles.
func bodyOf(in *bufio.Reader, r request) ([]byte, error) {
	if r.Command != "put" || r.BodySize == 0 {
		return nil, nil
	}
	if r.BodySize < 0 || r.BodySize > maxBody {
		return nil, fmt.Errorf("its size cannot be %d", r.BodySize)
	}
	if err := quote(in); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	body.Grow(int(min(r.BodySize+bytes.MinRead, 1<<24)))
	n, err := body.ReadFrom(base64.NewDecoder(base64.StdEncoding, io.LimitReader(in, int64(base64.StdEncoding.EncodedLen(int(r.BodySize))))))
	if err == nil && n != r.BodySize {
		err = fmt.Errorf("%d bytes, and %d were announced", n, r.BodySize)
	}
	return body.Bytes(), errors.Join(err, quote(in))
}

// quote reads the sign that a body begins and ends with, and empty lines before it.
func quote(in *bufio.Reader) error {
	b, err := in.ReadByte()
	for err == nil && b == '\n' {
		b, err = in.ReadByte()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && b != '"' {
		err = fmt.Errorf("%q is not a quotation mark", b)
	}
	return err
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
		e, output, ok, err := c.get(r.ActionID)
		if err != nil {
			return response{Err: err.Error()}
		}
		if !ok {
			return response{Miss: true}
		}
		made := time.Unix(0, e.time)
		return response{OutputID: e.output, Size: e.size, Time: &made, DiskPath: output}
	case "put":
		if len(r.OutputID) == 0 {
			return response{Err: "a put without an output"}
		}
		if err := c.put(r.ActionID, r.OutputID, body); err != nil {
			fmt.Fprintln(os.Stderr, "cacheprog:", err) // go build would not say it
			return response{Err: err.Error()}
		}
		return response{DiskPath: outputFile(c.dir, r.OutputID)}
	}
	return response{Err: fmt.Sprintf("unknown command %q", r.Command)}
}
