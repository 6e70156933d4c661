// Package policy is what a team allows of its images, as a YAML file: which rules of
// verify count, and bounds on base, Go release, user, labels and size.
//
// It must not know how images are read: callers hand in what an image is.
package policy
