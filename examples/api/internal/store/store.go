// Package store keeps notes in a single bbolt file.
package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// ErrNotFound says that no note has the id.
var ErrNotFound = errors.New("no such note")

var notesBucket = []byte("notes")

// Note is one note.
type Note struct {
	ID   uint64 `json:"id"`
	Text string `json:"text"`
}

// Store is an open file of notes.
type Store struct{ db *bbolt.DB }

// Open opens or creates the file. Another process that holds it is an error after
// a second, not a wait without end. Call Migrate before anything else.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", path, err)
	}
	return &Store{db: db}, nil
}

// Close gives the file back.
func (s *Store) Close() error { return s.db.Close() }

// Add keeps a new note and returns it with its id.
func (s *Store) Add(text string) (Note, error) {
	note := Note{Text: text}
	err := s.db.Update(func(tx *bbolt.Tx) error { return add(tx, &note) })
	return note, err
}

func add(tx *bbolt.Tx, note *Note) error {
	bucket := tx.Bucket(notesBucket)
	if bucket == nil {
		return errors.New("the store was not migrated")
	}
	id, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	note.ID = id
	data, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return bucket.Put(key(id), data)
}

// Get is the note with the id, or ErrNotFound.
func (s *Store) Get(id uint64) (Note, error) {
	var note Note
	err := s.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(notesBucket)
		if bucket == nil {
			return ErrNotFound
		}
		data := bucket.Get(key(id))
		if data == nil {
			return ErrNotFound
		}
		return json.Unmarshal(data, &note)
	})
	return note, err
}

// Delete removes the note with the id, or reports ErrNotFound.
func (s *Store) Delete(id uint64) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(notesBucket)
		if bucket == nil || bucket.Get(key(id)) == nil {
			return ErrNotFound
		}
		return bucket.Delete(key(id))
	})
}

// List is all notes in the order of their ids.
func (s *Store) List() ([]Note, error) {
	notes := []Note{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(notesBucket)
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(_, data []byte) error {
			var note Note
			if err := json.Unmarshal(data, &note); err != nil {
				return err
			}
			notes = append(notes, note)
			return nil
		})
	})
	return notes, err
}

// key orders notes by id.
func key(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }
