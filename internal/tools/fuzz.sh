#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME each: 20 seconds in CI, minutes by hand.
set -euo pipefail
cd "$(dirname "$0")/../.."

grep -rl --include='*_test.go' '^func Fuzz' internal frontend llbgen | xargs -n1 dirname | sort -u | while IFS= read -r dir; do
	sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$dir"/*_test.go | sort -u | while IFS= read -r target; do
		echo "fuzz: $dir $target" >&2
		# Go would spend the rest of the time on making an input smaller.
		go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" -fuzzminimizetime 10x
	done
done
