#!/usr/bin/env bash
# Installs what the test bed needs beside Go: runc, crun, git and CA roots.
set -euo pipefail

missing=()
for program in runc crun git; do
	PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing+=("$program")
done
[ -s /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
else
	echo "the test bed needs ${missing[*]}: install them with the system's package manager, then run make setup again" >&2
	exit 1
fi
