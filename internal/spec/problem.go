package spec

// Problem is a problem of this document that was found outside this package, with
// the place and lines of its key.
func (d *Document) Problem(keyPath, rule, message string) *Error {
	at := d.Position(keyPath)
	return &Error{
		File: d.File, Position: at, Path: keyPath, Rule: rule,
		Message: message, Excerpt: newSource(d.Source).excerpt(at),
	}
}
