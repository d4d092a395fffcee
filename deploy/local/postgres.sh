#!/bin/sh
# PostgreSQL on this machine without containers: a cluster of its own, with the roles of roles.sql.
# It starts, finds and interrupts the server of one run folder; tables are made by `da migrate`.
#
#   sh deploy/local/postgres.sh start|stop|status|url
#   sh deploy/local/postgres.sh kill|restart|pause|resume     kill -9 of all its processes; again on the same data and port
#
# Looks for: DATABASE_URL (used as it is, nothing is started) → postgres on PATH or in /usr/lib/postgresql/15/bin.
# POSTGRES_PORT=5432     default: a free port; a unix socket with the same number is there too
# POSTGRES_SECURITY=tls  serves TLS as well, with a throw-away authority under DATABASE_CA_FILE
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"

DATABASE=gooru_da

find_bin() {
  for folder in "$(dirname -- "$(command -v initdb 2>/dev/null || echo /none/initdb)")" \
    /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/psql" ]; then echo "$folder"; return; fi
  done
  unavailable "postgres and initdb are missing; install postgresql-15 (sh deploy/setup.sh full)"
}
# initdb refuses root: then another user of the system owns the cluster and runs it.
find_user() {
  [ "$(id -u)" = 0 ] || return 0
  have runuser || unavailable "it cannot run as root, and runuser is missing"
  for user in postgres nobody; do
    if id "$user" >/dev/null 2>&1; then echo "$user"; return; fi
  done
  unavailable "it cannot run as root, and there is neither a user postgres nor a user nobody"
}
as_user() { if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi; }
# The run folder itself, unless its user cannot reach it or the socket's path would be too long for the system.
find_place() {
  place=$run/cluster
  mkdir -p "$place"
  [ -z "$user" ] || chown "$user" "$place"
  if [ "${#place}" -gt 85 ] || ! as_user test -w "$place"; then
    rmdir "$place"
    place=$(mktemp -d "${TMPDIR:-/tmp}/gooru-da-postgres.XXXXXX")
    [ -z "$user" ] || chown "$user" "$place"
    ln -s "$place" "$run/cluster"
  fi
  chmod 711 "$place"
  echo "$place" >"$run/place"
}
pid_of() { alive "$run/pid"; }
children() { awk -v parent="$1" '{ sub(/.*\) /, ""); if ($2 == parent) print FILENAME }' /proc/[0-9]*/stat 2>/dev/null | cut -d/ -f3; }
# As the superuser over the unix socket; -w: never asks for a password.
sql() { as_user "$bin/psql" -wXqAt -v ON_ERROR_STOP=1 -h "$(cat "$run/place")" -p "$(cat "$run/port")" -U postgres "$@"; }
# Over TCP with the owner's password, as its users will come.
answers() { PGCONNECT_TIMEOUT=3 "${bin:+$bin/}psql" -wXqAt -c 'select 1' "$1" 2>/dev/null | grep -qx 1; }
ready() { ! pid_of >/dev/null || (cd / && sql -c 'select 1' -d postgres 2>/dev/null | grep -qx 1); }
own_url() { sed -n 's/^export DATABASE_URL=//p' "$run/env" 2>/dev/null; }
given() { [ -n "${DATABASE_URL:-}" ] && [ "$DATABASE_URL" != "$(own_url)" ]; }
# Without its password.
told() { echo "DATABASE_URL=$(own_url | masked)"; }
masked() { sed 's,://\([^:@/]*\):[^@]*@,://\1:***@,'; }

prepare() {
  [ ! -e "$run/place" ] || remove
  rm -rf "$run"
  mkdir -p "$run"
  find_place
  echo "${POSTGRES_PORT:-$(free_port)}" >"$run/port"
  as_user "$bin/initdb" -D "$place/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$run/initdb.log" 2>&1 </dev/null ||
    { show_log "$run/initdb.log"; fail "initdb failed"; }
  # The socket's folder admits everybody: over it only the cluster's own user may come, and as whom it likes.
  printf 'local all all peer map=own\nhost all all 127.0.0.1/32 scram-sha-256\n' | as_user tee "$place/data/pg_hba.conf" >/dev/null
  printf 'own %s postgres\n' "${user:-$(id -un)}" | as_user tee "$place/data/pg_ident.conf" >/dev/null
  as_user tee -a "$place/data/postgresql.conf" >/dev/null <<EOF
listen_addresses = '127.0.0.1'
port = $(cat "$run/port")
unix_socket_directories = '$place'
fsync = on
synchronous_commit = on
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
log_checkpoints = off
log_line_prefix = '%m [%p] %q%u@%d '
EOF
  [ "${POSTGRES_SECURITY:-}" = tls ] || return 0
  make_certificates "$run/tls"
  for file in server.crt server.key; do
    as_user tee "$place/data/$file" <"$run/tls/$file" >/dev/null
    as_user chmod 600 "$place/data/$file"
  done
  echo 'ssl = on' | as_user tee -a "$place/data/postgresql.conf" >/dev/null
}
launch_server() {
  place=$(cat "$run/place")
  if [ -n "$user" ]; then set -- setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups; else set --; fi
  cd "$place"
  launch "$run/pid" "$run/log" "$@" "$bin/postgres" -D "$place/data"
}
make_roles() {
  for role in owner service reader; do
    secret >"$run/$role.password"
    chmod 600 "$run/$role.password"
  done
  owner=$(cat "$run/owner.password")
  service=$(cat "$run/service.password")
  reader=$(cat "$run/reader.password")
  sql -d postgres -c "create database $DATABASE"
  sql -d "$DATABASE" -v owner_password="$owner" -v service_password="$service" -v reader_password="$reader" \
    -v database="$DATABASE" -f - <"$here/roles.sql"
  address=127.0.0.1:$(cat "$run/port")/$DATABASE
  cat >"$run/env" <<EOF
export DATABASE_URL=postgres://da_owner:$owner@$address
export DATABASE_SERVICE_URL=postgres://da_service:$service@$address
export DATABASE_READER_URL=postgres://da_reader:$reader@$address
export DATABASE_PASSWORD_FILE='$run/owner.password'
export DATABASE_SERVICE_PASSWORD_FILE='$run/service.password'
export DATABASE_READER_PASSWORD_FILE='$run/reader.password'
EOF
  [ ! -f "$run/tls/ca.pem" ] || cat >>"$run/env" <<EOF
export DATABASE_CA_FILE='$run/tls/ca.pem'
export DATABASE_OTHER_CA_FILE='$run/tls/other-ca.pem'
EOF
  chmod 600 "$run/env"
}
await_server() {
  if await "$STACK_WAIT" ready && pid_of >/dev/null; then return 0; fi
  show_log "$run/log"
  return 1
}

start() {
  if given; then
    if have psql && ! answers "$DATABASE_URL"; then fail "DATABASE_URL is set, but SELECT 1 does not answer there; unset it to start one here"; fi
    echo "postgres given DATABASE_URL=$(echo "$DATABASE_URL" | masked)"
    return
  fi
  bin=$(find_bin)
  user=$(find_user)
  if pid_of >/dev/null; then
    await_server || fail "it runs but does not answer"
    echo "postgres already runs $(told)"
    return
  fi
  from=$(now_ms)
  prepare
  launch_server
  if ! await_server || ! make_roles || ! answers "$(own_url)"; then
    stop >/dev/null
    fail "it did not start"
  fi
  echo "postgres ready $(told) in $(seconds_since "$from") s"
}
restart() {
  [ -s "$run/env" ] || fail "there is no cluster in $run; start makes one"
  bin=$(find_bin)
  user=$(find_user)
  from=$(now_ms)
  halt INT
  # A dead server that nobody has buried yet still counts as running for the next one; here all are known to be gone.
  place=$(cat "$run/place")
  rm -f "$place/data/postmaster.pid" "$place"/.s.PGSQL.*
  launch_server
  await_server || fail "it did not start again"
  echo "postgres ready again $(told) in $(seconds_since "$from") s"
}
# INT: sessions are cut, data is written; QUIT would be a crash in good order, kill is one without.
halt() {
  pid=$(pid_of) || return 0
  kill "-$1" "$pid"
  go_on
  await 20 gone "$run/pid" || kill -QUIT "$pid" 2>/dev/null || true
  await 20 gone "$run/pid" || fail "process $pid does not end"
}
everyone() { pid=$(pid_of) || { echo "postgres does not run" >&2; exit 3; }; echo "$pid $(children "$pid" | tr '\n' ' ')"; }
go_on() { for each in $(everyone 2>/dev/null); do kill -CONT "$each" 2>/dev/null || true; done; }
ended() { case $(state_of "$1") in Z | X | '') return 0 ;; *) return 1 ;; esac; }
kill_all() {
  all=$(everyone)
  # The parent first: it would answer a child's death with a restart.
  for each in $all; do kill -KILL "$each" 2>/dev/null || true; done
  for each in $all; do await 10 ended "$each" || fail "process $each does not end"; done
  echo "postgres: pid ${all%% *} and its children got SIGKILL"
}
signal_all() {
  all=$(everyone)
  for each in $all; do kill "-$1" "$each" 2>/dev/null || true; done
  echo "postgres: pid ${all%% *} and its children got SIG$1"
}
remove() {
  place=$(cat "$run/place")
  case $place in "$run"/* | */gooru-da-postgres.*) rm -rf "$place" ;; esac
  rm -f "$run/cluster" "$run/place" 2>/dev/null || true
}
stop() {
  [ -e "$run/place" ] || { echo "postgres does not run"; return; }
  word="does not run"
  if pid=$(pid_of); then word="stopped (pid $pid)"; fi
  halt INT
  rm -f "$run/env"
  remove
  echo "postgres $word"
}
status() {
  if given; then echo "postgres given by DATABASE_URL"; return; fi
  pid=$(pid_of) || { echo "postgres does not run"; exit 3; }
  case $(state_of "$pid") in T*) word=paused ;; *) word=running ;; esac
  echo "postgres $word pid $pid 127.0.0.1:$(cat "$run/port") socket $(cat "$run/place")"
}
url() {
  if given; then echo "export DATABASE_URL='$DATABASE_URL'"; return; fi
  pid_of >/dev/null || { echo "postgres does not run" >&2; exit 3; }
  cat "$run/env"
}

case ${1:-} in
  start | stop | status | url | restart) "$1" ;;
  kill) kill_all ;;
  pause) signal_all STOP ;;
  resume) signal_all CONT ;;
  *) usage "start|stop|status|url|kill|restart|pause|resume" ;;
esac
