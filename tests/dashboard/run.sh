#!/usr/bin/env bash
# run.sh: the dashboard in a real Chromium, on the program that was built for the other tests. 75: no browser could be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

chromium=${REMUDA_TEST_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [[ -z $chromium ]]; then
  sudo=()
  [[ $EUID -eq 0 ]] || sudo=(sudo -n)
  echo "installing chromium"
  { "${sudo[@]}" apt-get update -qq && "${sudo[@]}" apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || exit 75
  chromium=$(command -v chromium) || exit 75
fi
# Kept outside the repository, by lock file: a clean clone finds them again.
packages=${XDG_CACHE_HOME:-$HOME/.cache}/remuda-tests/dashboard-$(sha256sum package-lock.json | cut -c 1-16)
if [[ ! -d $packages/node_modules ]]; then
  mkdir -p "$packages"
  cp package.json package-lock.json "$packages/"
  (cd "$packages" && npm ci --silent --no-audit --no-fund) || { rm -rf "$packages"; exit 75; }
fi
[[ -e node_modules ]] || ln -s "$packages/node_modules" node_modules
cargo build --quiet --locked -p remuda
export REMUDA_TEST_CHROMIUM=$chromium
export REMUDA_TEST_BINARY=${REMUDA_TEST_BINARY:-$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/remuda}
exec node --test --test-timeout=180000 --test-reporter=spec dashboard.test.mjs
