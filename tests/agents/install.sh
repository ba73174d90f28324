#!/usr/bin/env bash
# install.sh: puts the genuine Claude Code, pinned by version and checksum, into .hosts/ and prints the path of its program.
#
# Nothing outside .hosts/ changes and no install script of a package runs; what is there already is used. Exit code 75 means
# that npm could not get the package (no network, no registry, no package for this machine).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)/.hosts/claude

program() {
  # npm keeps only the platform package that fits this machine.
  find "$root/node_modules/@anthropic-ai" -path '*/claude-code-*/claude' -type f -perm -u+x -print -quit 2>/dev/null
}

installed() {
  [[ -n $(program) ]] && cmp -s "$here/claude/package-lock.json" "$root/package-lock.json"
}

if ! installed; then
  mkdir -p "$root"
  cp "$here/claude/package.json" "$here/claude/package-lock.json" "$root/"
  if ! (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund) >&2; then
    # Without the lock file the next call does not take a half-done install for a whole one.
    rm -f "$root/package-lock.json"
    exit 75
  fi
fi

if [[ -z $(program) ]]; then
  echo "no Claude Code package for $(uname -sm)" >&2
  exit 75
fi
program
