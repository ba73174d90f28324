#!/usr/bin/env bash
# install.sh [AGENT…]: gets the genuine agents from npm, pinned by version and checksum, and prints one line AGENT=PROGRAM for
# each of them. Without arguments: all five.
#
# They are kept outside the repository, one directory per lock file, so that a clean clone does not fetch them again:
# REMUDA_TEST_AGENTS if set, else ~/.cache/remuda-test-agents. No install script of a package runs. An agent that npm cannot get
# here (no network, no package for this machine) is told on standard error and left out; the others are installed all the same.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${REMUDA_TEST_AGENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/remuda-test-agents}

# fetch NAME: the directory with its packages, installed whole or not at all.
fetch() {
  local name=$1 sum dir work
  sum=$(cksum < "$here/$name/package-lock.json" | tr -d ' ')
  dir=$cache/$name-$sum
  if [[ ! -d $dir ]]; then
    mkdir -p "$cache" && work=$(mktemp -d "$cache/.$name.XXXXXX") || return 1
    cp "$here/$name/package.json" "$here/$name/package-lock.json" "$work/"
    if ! (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error 2>&1 | tail -n 5) >&2; then
      rm -rf "$work"
      return 1
    fi
    # Whoever was faster has the same.
    if [[ -d $dir ]]; then rm -rf "$work"; else mv "$work" "$dir"; fi
  fi
  printf '%s\n' "$dir"
}

# first DIRECTORY PATTERN: npm keeps only the platform packages that fit this machine.
first() { find "$1/node_modules" -path "$2" -type f -print -quit 2>/dev/null | grep .; }

# on_node DIRECTORY SCRIPT: a program that runs a script with the pinned Node.
on_node() {
  local node program=$1/program
  node=$(first "$(fetch node)" '*/bin/node') || return 1
  printf '#!/bin/sh\nexec %q %q "$@"\n' "$node" "$1/node_modules/$2" > "$program.$$"
  chmod +x "$program.$$" && mv "$program.$$" "$program" && printf '%s\n' "$program"
}

install() {
  local dir
  dir=$(fetch "$1") || return 1
  case $1 in
    claude) first "$dir" '*/claude-code-*/claude' ;;
    codex) first "$dir" '*/vendor/*/bin/codex' ;;
    opencode) first "$dir" '*/opencode-*/bin/opencode' ;;
    pi) on_node "$dir" @earendil-works/pi-coding-agent/dist/bundle/cli.js ;;
    qwen) on_node "$dir" @qwen-code/qwen-code/cli-entry.js ;;
    *) echo "no such agent: $1" >&2; return 1 ;;
  esac
}

[[ $# -gt 0 ]] || set -- claude codex pi opencode qwen
for agent in "$@"; do
  if program=$(install "$agent"); then
    printf '%s=%s\n' "$agent" "$program"
  else
    echo "$agent cannot be installed here" >&2
  fi
done
