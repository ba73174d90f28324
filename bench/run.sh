#!/usr/bin/env bash
# run.sh [OPTIONS of remuda-bench]: builds the release binaries and measures, pinned to two cores. Needs Linux and nginx.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for command in nginx taskset; do
  command -v "$command" >/dev/null || { echo "$command is missing (Debian packages: nginx-light, util-linux)" >&2; exit 1; }
done
[[ $(nproc) -ge 2 ]] || { echo "two cores are needed: one for what is measured, one for the rest" >&2; exit 1; }
cargo build --release --locked --quiet -p remuda
cargo build --release --locked --quiet --manifest-path bench/Cargo.toml
# Two descriptors a stream in the proxy, two more in the generator.
ulimit -n "$(ulimit -Hn)"
exec taskset -c 1 bench/target/release/remuda-bench --remuda target/release/remuda "$@"
