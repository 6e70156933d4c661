package spec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxExpanded bounds what build arguments can blow a spec up to, in bytes.
const maxExpanded = maxDocument

// Overrides are what flags say over the document.
type Overrides struct {
	// Main is the main package's directory; empty for the document's.
	Main string
	// Name is the service's name; empty for the document's.
	Name string
	// Args are build arguments: those that the document declares, and the predeclared.
	Args map[string]string
	// Labels are added to the image's labels, over those of the document.
	Labels map[string]string
}

// Warning is something about a build that is probably not meant.
type Warning struct {
	// Path is the key path that it is about, such as "build.args.CHANNEL".
	Path string
	// Rule is its stable name, such as "undeclared-arg".
	Rule string
	// Message says what is the matter and what to do, in lower case.
	Message string
}

// Resolve is the service with the overrides applied and the build arguments
// filled in and validated again; its Build.Args hold the values in use. The
// document stays as it is. The error is Errors; a problem of an override, which
// stands in no document, has no position.
func (d *Document) Resolve(o Overrides) (Service, []Warning, error) {
	r := &resolver{
		checker: checker{problems: newProblems(d.File, d.Source), has: d.has, known: pathSet{}, expanded: true},
		flags:   pathSet{}, room: maxExpanded,
	}
	r.at, r.keyAt = r.place(d.Position), r.place(d.keyPosition)
	args, warnings := r.arguments(d.Service.Build.Args, o.Args)
	s := rewrite(reflect.ValueOf(d.Service), "", field{}, r.expander(args)).Interface().(Service)
	if len(s.Build.Args) > 0 {
		maps.DeleteFunc(args, func(name, _ string) bool { _, declared := s.Build.Args[name]; return !declared })
		s.Build.Args = args
	}
	r.apply(&s, o)
	r.service(s)
	if err := r.err(); err != nil {
		return Service{}, nil, err
	}
	return s, warnings, nil
}

func (d *Document) has(path string) bool { _, ok := d.Positions[path]; return ok }

type resolver struct {
	checker
	// flags are the paths whose value comes from an override.
	flags pathSet
	// room is how many bytes expansion may still add.
	room int
}

// place is find for the values of the document, and nowhere for those of flags.
func (r *resolver) place(find func(path string) Position) func(path string) Position {
	return func(path string) Position {
		if r.flags.covers(path) {
			return Position{}
		}
		return find(path)
	}
}

// arguments are the values that ${NAME} can stand for.
func (r *resolver) arguments(declared, given map[string]string) (map[string]string, []Warning) {
	values := map[string]string{}
	maps.Copy(values, declared)
	var warnings []Warning
	for _, name := range sortedKeys(given) {
		at := joinKey("build.args", name)
		value := given[name]
		_, known := declared[name]
		switch {
		case !known && isAmbient(name):
		case !known && !slices.Contains(sourceArgs, name):
			warnings = append(warnings, Warning{at, "undeclared-arg", undeclared(name, declared)})
		case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			r.flags[at] = true
			r.bad(at, "", "the build argument %s holds a NUL or is not UTF-8", name)
		default:
			if known {
				r.flags[at] = true
			}
			values[name] = value
		}
	}
	return values, warnings
}

func undeclared(name string, declared map[string]string) string {
	message := fmt.Sprintf("the build argument %s is not declared in build.args and has no effect", quote(name))
	if near := nearest(name, sortedKeys(declared)); near != "" {
		message += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return message
}

// expander fills the build arguments into the strings of the service.
func (r *resolver) expander(args map[string]string) func(path, text string, f field) string {
	return func(path, text string, f field) string {
		if !f.expand || !strings.Contains(text, "${") || r.room < 0 {
			return text
		}
		out, err := expand(text, func(name string) (string, error) {
			value, ok := args[name]
			if !ok {
				return "", undefined(name, args)
			}
			if r.room -= len(value); r.room < 0 {
				return "", &argError{"too-large", "", fmt.Sprintf("the build arguments fill in more than %d bytes", maxExpanded)}
			}
			return value, nil
		})
		if err != nil {
			r.badReference(path, err)
			r.known[path] = true
			return ""
		}
		if out == "" && f.kind == reflect.String {
			r.bad(path, "", "the value %s is empty with these build arguments", quote(text))
		}
		return out
	}
}

// apply puts the flags over the document. Labels that a flag may not set are
// found when the service is validated.
func (r *resolver) apply(s *Service, o Overrides) {
	if o.Main != "" {
		s.Build.Main = o.Main
		r.flags["build.main"] = true
	}
	if o.Name != "" {
		s.Name = o.Name
		r.flags["name"] = true
	}
	if len(o.Labels) > 0 && s.Image.Labels == nil {
		s.Image.Labels = map[string]string{}
	}
	for _, key := range sortedKeys(o.Labels) {
		at := joinKey("image.labels", key)
		r.flags[at] = true
		if value := o.Labels[key]; !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			r.bad(at, "", "the value of the label holds a NUL or is not UTF-8")
		}
		s.Image.Labels[key] = o.Labels[key]
	}
}
