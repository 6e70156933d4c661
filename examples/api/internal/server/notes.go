package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"example.com/api/internal/store"
)

// maxNote is the size of the largest request for a new note, in bytes.
const maxNote = 64 << 10

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	notes, err := s.Store.List()
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, map[string]any{"Notes": notes, "Version": s.Version}); err != nil {
		s.Log.Error("writing the page", "error", err)
	}
}

func (s *Server) listNotes(w http.ResponseWriter, _ *http.Request) {
	notes, err := s.Store.List()
	if err != nil {
		s.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, notes)
}

func (s *Server) addNote(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text string `json:"text"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxNote))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || strings.TrimSpace(in.Text) == "" {
		writeJSON(w, http.StatusBadRequest, problem{`want {"text": "…"}`})
		return
	}
	note, err := s.Store.Add(in.Text)
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Location", "/notes/"+strconv.FormatUint(note.ID, 10))
	writeJSON(w, http.StatusCreated, note)
}

func (s *Server) getNote(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		s.fail(w, store.ErrNotFound)
		return
	}
	note, err := s.Store.Get(id)
	if err != nil {
		s.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, note)
}

func (s *Server) deleteNote(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err == nil {
		err = s.Store.Delete(id)
	} else {
		err = store.ErrNotFound
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// problem is the body of every answer that is not a success.
type problem struct {
	Error string `json:"error"`
}

// fail answers with the error if it is the caller's, and logs it if it is ours.
func (s *Server) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, store.ErrNotFound) {
		writeJSON(w, http.StatusNotFound, problem{err.Error()})
		return
	}
	s.Log.Error("answering", "error", err)
	writeJSON(w, http.StatusInternalServerError, problem{"internal error"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone if this fails
}
