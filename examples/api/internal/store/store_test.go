package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"example.com/api/internal/store"
)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestMigrateOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "api.db"))
	if _, err := s.Add("too early"); err == nil {
		t.Error("a store that was not migrated takes notes")
	}
	for run, want := range []int{2, 0} {
		done, err := s.Migrate()
		if err != nil || len(done) != want {
			t.Errorf("run %d applied %v (%v), want %d migrations", run, done, err, want)
		}
	}
	if notes, err := s.List(); err != nil || len(notes) != 1 {
		t.Errorf("notes after migration: %v, %v", notes, err)
	}
}

func TestNotesSurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.db")
	s := open(t, path)
	if _, err := s.Migrate(); err != nil {
		t.Fatal(err)
	}
	note, err := s.Add("keep me")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path); err == nil {
		t.Error("two processes hold the file at once")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if got, err := s.Get(note.ID); err != nil || got != note {
		t.Errorf("got %v, %v, want %v", got, err, note)
	}
	if err := s.Delete(note.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(note.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted note answers %v", err)
	}
	if err := s.Delete(note.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleting it again answers %v", err)
	}
}

func TestOpenSaysWhere(t *testing.T) {
	if _, err := store.Open(filepath.Join(t.TempDir(), "absent", "api.db")); err == nil {
		t.Error("a directory that does not exist is no error")
	}
}
