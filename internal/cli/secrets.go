package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tonistiigi/go-csvvalue"
)

// secrets are build secrets as files: those of the environment are written to a
// directory of their own, readable by this user alone.
type secrets struct {
	files map[string]string // by id
	dir   string
}

func (s *secrets) remove() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// openSecrets reads "id=ID[,src=FILE|,env=NAME]" as buildx does: without either, an
// environment variable called ID, else a file of that name.
func openSecrets(flags []string) (*secrets, error) {
	s := &secrets{files: map[string]string{}}
	for _, flag := range flags {
		if err := s.add(flag); err != nil {
			s.remove()
			return nil, usagef("--secret %s: %w", redacted(flag), err)
		}
	}
	return s, nil
}

func (s *secrets) add(flag string) error {
	fields, err := csvvalue.Fields(flag, nil)
	if err != nil {
		return err
	}
	var id, src, env string
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		switch strings.ToLower(key) {
		case "id":
			id = value
		case "src", "source":
			src = value
		case "env":
			env = value
		case "type":
			if value != "file" && value != "env" {
				return fmt.Errorf("unknown type %q", value)
			}
		default:
			return fmt.Errorf("unknown key %q", key)
		}
	}
	if id == "" {
		return errors.New("it has no id")
	}
	if _, set := os.LookupEnv(id); src == "" && env == "" && set {
		env = id
	}
	if env != "" {
		return s.fromEnv(id, env)
	}
	if src == "" {
		src = id
	}
	path, err := filepath.Abs(src)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	s.files[id] = path
	return nil
}

// directory is one that this user alone reads, made when it is first needed.
func (s *secrets) directory() (string, error) {
	if s.dir != "" {
		return s.dir, nil
	}
	dir, err := os.MkdirTemp("", "plimsoll-secrets-")
	if err != nil {
		return "", fmt.Errorf("making a directory for secrets: %w", err)
	}
	s.dir = dir
	return dir, nil
}

func (s *secrets) fromEnv(id, env string) error {
	value, ok := os.LookupEnv(env)
	if !ok {
		return fmt.Errorf("the environment has no %s", env)
	}
	dir, err := s.directory()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, fmt.Sprint(len(s.files)))
	s.files[id] = file
	return os.WriteFile(file, []byte(value), 0o600)
}

// redacted keeps what a person may have typed in the place of a file name out of logs.
func redacted(flag string) string {
	id, _, more := strings.Cut(flag, ",")
	if more {
		return id + ",…"
	}
	return id
}
