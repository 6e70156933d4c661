package service

// storeText is a store of one record type and its handler; NAME is the type.
const storeText = `// NAMEStore keeps records by their ids.
type NAMEStore struct {
	mu      sync.RWMutex
	records map[string]*NAME
	changed int
}

// Put stores a valid record.
func (s *NAMEStore) Put(r *NAME) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("storing %s: %w", r.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records == nil {
		s.records = map[string]*NAME{}
	}
	s.records[r.ID] = r
	s.changed++
	return nil
}

// Best are the n records that score the most.
func (s *NAMEStore) Best(n int) []*NAME {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := values(s.records)
	slices.SortFunc(all, func(a, b *NAME) int { return cmp.Or(b.Score()-a.Score(), strings.Compare(a.ID, b.ID)) })
	return all[:min(n, len(all))]
}

// ServeHTTP answers with the best, or takes a record.
func (s *NAMEStore) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(s.Best(10)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	case http.MethodPost:
		var r NAME
		if err := json.NewDecoder(req.Body).Decode(&r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := s.Put(&r); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		}
	default:
		http.Error(w, "no such method", http.StatusMethodNotAllowed)
	}
}

func init() { runs = append(runs, func(n int) int {
	s := &NAMEStore{}
	for i := range n % 7 {
		if err := s.Put(&NAME{ID: fmt.Sprint("NAME", i)}); err != nil {
			return -1
		}
	}
	return sum(s.Best(3), (*NAME).Score)
}) }

`

// generics are shared by the types of a package.
const generics = `var runs []func(int) int

// work is the sum of what all types make of a number.
func work(n int) int { return sum(runs, func(f func(int) int) int { return f(n) }) }

func values[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func sum[T any](list []T, of func(T) int) int {
	total := 0
	for _, v := range list {
		total += of(v)
	}
	return total
}
`
