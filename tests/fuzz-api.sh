#!/usr/bin/env bash
# Asks the control API of a daemon of its own whatever its OpenAPI document allows, and much that it does not. The vendor
# is the one in miniature: nothing leaves this machine.
# tests/fuzz-api.sh REMUDA SCHEMATHESIS     ends with 0 only if every answer is one that the document promises
set -euo pipefail
remuda=$1 schemathesis=$2
home=$(mktemp -d)
export REMUDA_HOME=$home/herd HOME=$home
mkdir "$REMUDA_HOME"
started=()
end() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  wait "${started[@]}" 2>/dev/null || true
  rm -rf "$home"
}
trap end EXIT

# field FILE NAME: the text field of this name, once it is there
field() {
  for _ in $(seq 100); do
    local value; value=$(sed -n "s/.*\"$2\": *\"\\(.*\\)\",*\$/\\1/p" "$1" | head -n 1)
    [[ -n $value ]] && { printf '%b' "$value"; return; }
    sleep 0.1
  done
  cat "$home"/*.log >&2
  return 1
}

"$remuda" fake --listen 127.0.0.1:0 --account work:key --account spare:key --json >"$home/fake.json" 2>"$home/fake.log" &
started+=($!)
{ printf "listen = '127.0.0.1:0'\n"; field "$home/fake.json" config | tr -d '\\'; } >"$REMUDA_HOME/config.toml"
sed -n 's/.*"secret": *"\(.*\)".*/\1/p' "$home/fake.json" >"$home/secrets"
"$remuda" serve --json >"$home/serve.json" 2>"$home/serve.log" &
started+=($!)
url=$(field "$home/serve.json" url)

label=work
while read -r secret; do
  "$remuda" login anthropic --label "$label" --key-stdin --cost free >/dev/null 2>&1 <<<"$secret"
  label=spare
done <"$home/secrets"
"$remuda" pool create both work spare >/dev/null
agent=$("$remuda" key create --name agent 2>/dev/null)
for session in 7f3c0000-0000-4000-8000-000000000001 7f3c0000-0000-4000-8000-000000000002; do
  curl -sS -o /dev/null "$url/anthropic/v1/messages" -H "authorization: Bearer $agent" -H 'anthropic-version: 2023-06-01' \
    -H "x-claude-code-session-id: $session" -H 'content-type: application/json' \
    -d '{"model":"claude-sonnet-4-6","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}'
done

# Names that exist, beside those that are made up.
cat >"$home/schemathesis.toml" <<'TOML'
[parameters]
"path.account" = ["work", "spare"]
"path.source" = ["work", "spare"]
"path.pool" = "both"
"path.session" = "7f3c0000-0000-4000-8000-000000000001"
"path.request" = "last"
TOML
key=$("$remuda" key create --name fuzz --admin 2>/dev/null)
ask() {
  # The event stream never ends; stopping the daemon is not what is looked at here; keys must outlive the run.
  "$schemathesis" "$@" run "$url/api/v1/openapi.json" \
    --header "Authorization: Bearer $key" \
    --exclude-path /api/v1/events --exclude-path /api/v1/stop --exclude-operation-id RevokeKey --exclude-operation-id RemoveAccount \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing --max-examples 20 --seed 4747 --request-timeout 30 --suppress-health-check all \
    --no-color
}
ask --config-file "$home/schemathesis.toml"
ask
if grep -q panicked "$home/serve.log"; then cat "$home/serve.log" >&2; exit 1; fi
"$remuda" status >/dev/null
