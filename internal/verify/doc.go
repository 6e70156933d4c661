// Package verify reads an image and says, rule by rule, whether it is what it
// claims: bytes before config, config before labels. It trusts nothing and fails
// closed: what cannot be proved is unknown, and an unknown error rule is not ok.
//
// Open finds the images of a reference, Image and All judge them by the table of
// Rules. Each layer is streamed once; nothing is unpacked or run, memory and time
// are bounded whatever the image claims. The package must not know how images are
// built: it imports neither engine, nor planner, nor spec.
package verify
