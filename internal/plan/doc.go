// Package plan is the ground floor: the record that says what is built and what
// the image is, for one platform, in data that either engine can carry out.
//
// A plan has three verbs: compile, place, configure. It holds argv and complete
// environments, never shell text; the final image config, never a template; and
// no path of any machine, so that it is the same wherever it is made. Its
// canonical JSON is what `plimsoll plan` prints and what the plan-digest label
// binds.
//
// The package knows types, validation, canonical JSON, digests and the seal. It
// must not know how a plan is made (planner), nor how it is carried out (llbgen,
// local): it imports nothing of ours and touches no disk, network or clock.
package plan
