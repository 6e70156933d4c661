// Package planner is the pure middle: spec and facts in, plans out. All decisions
// are made here (defaults, flags, environment, files, the final config, labels),
// so that the engines have none left to make.
//
// Two calls do it: Needs says what to gather, Plan makes one plan for each
// platform. The package must not touch disk, network, clock or environment.
package planner
