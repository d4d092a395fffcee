#!/bin/sh
# A schema registry on this machine without containers: Apicurio, which speaks the Confluent routes under
# /apis/ccompat/v7. It keeps its schemas in memory; registering ours is the work of `da schemas register`.
#
#   sh deploy/local/registry.sh start|stop|status|url
#   sh deploy/local/registry.sh kill|term|pause|resume        kill -9, orderly stop, freeze, go on
#
# Looks for: REGISTRY_URL (used as it is, nothing is started) → archive in STACK_HOME → Maven.
# REGISTRY_PORT=8085     default: a free port
# REGISTRY_SECURITY=tls  one more address with TLS, under REGISTRY_TLS_URL, with the authority under REGISTRY_CA_FILE
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"

VERSION=2.6.13.Final
classes=$STACK_HOME/registry-$VERSION.jsa

app() {
  folder=$STACK_HOME/registry-$VERSION
  if [ ! -d "$folder" ]; then
    fetched=$folder.$$
    maven_copy "$fetched" copy "-Dartifact=io.apicurio:apicurio-registry-app:$VERSION:tar.gz:all"
    tar -xzf "$fetched/apicurio-registry-app-$VERSION-all.tar.gz" -C "$fetched"
    rm "$fetched/apicurio-registry-app-$VERSION-all.tar.gz"
    mv -T "$fetched" "$folder" 2>/dev/null || rm -rf "$fetched"
  fi
  echo "$folder"
}
answers() { # <url> <further arguments of curl…>
  address=$1
  shift
  curl -sf -m 3 -o /dev/null "$@" "$address/subjects"
}
ready() {
  alive "$run/pid" >/dev/null || return 0
  answers "$(cat "$run/url")" || return 1
  [ ! -s "$run/tls.url" ] || answers "$(cat "$run/tls.url")" --cacert "$run/tls/ca.pem"
}
# Its own default is NONE, which would let any schema in.
set_level() {
  curl -sf -m 10 -X PUT -H 'Content-Type: application/vnd.schemaregistry.v1+json' \
    -d '{"compatibility":"BACKWARD_TRANSITIVE"}' "$1/config" | grep -q BACKWARD_TRANSITIVE
}
given() { [ -n "${REGISTRY_URL:-}" ] && [ "$REGISTRY_URL" != "$(cat "$run/url" 2>/dev/null)" ]; }

start() {
  mkdir -p "$run"
  have curl || unavailable "curl, which asks it whether it is ready, is missing"
  if given; then
    answers "$REGISTRY_URL" || fail "REGISTRY_URL=$REGISTRY_URL is set, but GET $REGISTRY_URL/subjects does not answer; unset it to start one here"
    echo "registry given REGISTRY_URL=$REGISTRY_URL"
    return
  fi
  if alive "$run/pid" >/dev/null; then
    await "$STACK_WAIT" ready || fail "it runs but does not answer"
    echo "registry already runs REGISTRY_URL=$(cat "$run/url")"
    return
  fi
  from=$(now_ms)
  java=$(find_java)
  app=$(app)
  # The same port again after a kill, so that its users find it.
  port=${REGISTRY_PORT:-$(sed 's/.*:\([0-9]*\)\/.*/\1/' "$run/url" 2>/dev/null || true)}
  port=${port:-$(free_port)}
  echo "http://127.0.0.1:$port/apis/ccompat/v7" >"$run/url"
  set --
  if [ "${REGISTRY_SECURITY:-}" = tls ] || [ -s "$run/tls.url" ]; then
    make_certificates "$run/tls"
    tls=$(sed 's/.*:\([0-9]*\)\/.*/\1/' "$run/tls.url" 2>/dev/null || true)
    tls=${tls:-$(free_port)}
    echo "https://127.0.0.1:$tls/apis/ccompat/v7" >"$run/tls.url"
    set -- "-Dquarkus.http.ssl-port=$tls" "-Dquarkus.http.ssl.certificate.files=$run/tls/server.crt" \
      "-Dquarkus.http.ssl.certificate.key-files=$run/tls/server.pk8"
  fi
  cd "$run"
  launch "$run/pid" "$run/log" "$java" "$(class_option "$classes")" -XX:TieredStopAtLevel=1 -Xmx256m \
    -XX:+UseSerialGC -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$port" "$@" \
    -jar "$app/apicurio-registry-app-$VERSION-runner.jar"
  if ! await "$STACK_WAIT" ready || ! alive "$run/pid" >/dev/null || ! set_level "$(cat "$run/url")"; then
    show_log "$run/log"
    end "$run/pid" 5
    rm -f "$run/url" "$run/tls.url"
    fail "it did not start"
  fi
  echo "registry ready REGISTRY_URL=$(cat "$run/url") in $(seconds_since "$from") s"
}
stop() {
  pid=$(alive "$run/pid") || { rm -f "$run/url" "$run/tls.url"; echo "registry does not run"; return; }
  end "$run/pid" 60
  keep_classes "$classes"
  rm -f "$run/url" "$run/tls.url"
  echo "registry stopped (pid $pid)"
}
status() {
  if given; then echo "registry given REGISTRY_URL=$REGISTRY_URL"; return; fi
  pid=$(alive "$run/pid") || { echo "registry does not run"; exit 3; }
  case $(state_of "$pid") in T*) word=paused ;; *) word=running ;; esac
  echo "registry $word pid $pid $(cat "$run/url")"
}
url() {
  if given; then echo "export REGISTRY_URL=$REGISTRY_URL"; return; fi
  alive "$run/pid" >/dev/null || { echo "registry does not run" >&2; exit 3; }
  echo "export REGISTRY_URL=$(cat "$run/url")"
  [ -s "$run/tls.url" ] || return 0
  echo "export REGISTRY_TLS_URL=$(cat "$run/tls.url")"
  echo "export REGISTRY_CA_FILE='$run/tls/ca.pem'"
}

case ${1:-} in
  start | stop | status | url) "$1" ;;
  kill) signal KILL "$run/pid" registry ;;
  term) signal TERM "$run/pid" registry ;;
  pause) signal STOP "$run/pid" registry ;;
  resume) signal CONT "$run/pid" registry ;;
  *) usage "start|stop|status|url|kill|term|pause|resume" ;;
esac
