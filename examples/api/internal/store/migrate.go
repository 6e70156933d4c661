package store

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"

	"go.etcd.io/bbolt"
)

//go:embed migrations/*.json
var migrations embed.FS

var appliedBucket = []byte("migrations")

// migration is one file of migrations/: buckets to create, then notes to add.
type migration struct {
	About  string   `json:"about"`
	Create []string `json:"create"`
	Notes  []string `json:"notes"`
}

// Migrate applies the embedded migrations that the file has not seen, in the order
// of their names and all or none, and returns the names of those.
func (s *Store) Migrate() ([]string, error) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var done []string
	err = s.db.Update(func(tx *bbolt.Tx) error {
		applied, err := tx.CreateBucketIfNotExists(appliedBucket)
		if err != nil {
			return err
		}
		for _, f := range files {
			if applied.Get([]byte(f.Name())) != nil {
				continue
			}
			if err := apply(tx, f.Name()); err != nil {
				return fmt.Errorf("applying migration %s: %w", f.Name(), err)
			}
			if err := applied.Put([]byte(f.Name()), []byte("done")); err != nil {
				return err
			}
			done = append(done, f.Name())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

func apply(tx *bbolt.Tx, name string) error {
	data, err := migrations.ReadFile(path.Join("migrations", name))
	if err != nil {
		return err
	}
	var m migration
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	for _, bucket := range m.Create {
		if _, err := tx.CreateBucketIfNotExists([]byte(bucket)); err != nil {
			return err
		}
	}
	for _, text := range m.Notes {
		if err := add(tx, &Note{Text: text}); err != nil {
			return err
		}
	}
	return nil
}
