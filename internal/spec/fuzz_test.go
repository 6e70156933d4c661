package spec

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

// FuzzParse: whatever the bytes, Parse answers soon, with a document that
// resolves without a panic or with problems that stand inside the document.
func FuzzParse(f *testing.F) {
	for _, data := range corpus(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		doc, err := Parse("plimsoll.yaml", data)
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("took %v", d)
		}
		var errs Errors
		switch {
		case err == nil:
			checkResolve(t, doc)
		case !errors.As(err, &errs) || len(errs) == 0 || doc != nil:
			t.Fatalf("%v with %#v", doc, err)
		}
		for _, e := range errs {
			checkError(t, data, e)
		}
	})
}

// checkResolve: resolving twice gives the same and leaves the document alone.
func checkResolve(t *testing.T, doc *Document) {
	t.Helper()
	o := Overrides{Args: map[string]string{"VERSION": "1", "REVISION": "abc", "SOURCE_DATE_EPOCH": "0"}, Labels: map[string]string{"a": "b"}}
	first, _, err := doc.Resolve(o)
	second, _, again := doc.Resolve(o)
	if (err == nil) != (again == nil) || !reflect.DeepEqual(first, second) {
		t.Errorf("resolved to %+v, %v and %+v, %v", first, err, second, again)
	}
}
