#!/bin/sh
# Kafka, registry and PostgreSQL together; each may be missing here, and is then named as skipped.
# It knows the three scripts beside it and nothing of the services.
#
#   sh deploy/local/stack.sh start|stop|status
#   eval "$(sh deploy/local/stack.sh env)"            the addresses of what runs
#   sh deploy/local/stack.sh with <command…>          start, run the command with the addresses set, stop what was started
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"

PARTS="kafka registry postgres"

# Starts the three side by side. What is not available here is skipped; what is there and fails is an error.
start() {
  mkdir -p "$STACK_RUN"
  for one in $PARTS; do
    (
      code=0
      sh "$here/$one.sh" start >"$STACK_RUN/$one.said" 2>&1 || code=$?
      echo "$code" >"$STACK_RUN/$one.code"
    ) &
  done
  wait
  worst=0
  for one in $PARTS; do
    case $(cat "$STACK_RUN/$one.code") in
      0) cat "$STACK_RUN/$one.said" ;;
      3) echo "skipped: $(cat "$STACK_RUN/$one.said")" ;;
      *) sed "s/^/failed: /" "$STACK_RUN/$one.said"; worst=1 ;;
    esac
    rm -f "$STACK_RUN/$one.said" "$STACK_RUN/$one.code"
  done
  return $worst
}
stop() { for one in $PARTS; do sh "$here/$one.sh" stop || true; done; }
status() { code=0; for one in $PARTS; do sh "$here/$one.sh" status || code=3; done; return $code; }
env() { for one in $PARTS; do sh "$here/$one.sh" url 2>/dev/null || true; done; }

# In a run folder of its own, so that neither a stack that runs already nor another run is touched.
with() {
  [ $# -gt 0 ] || usage "with <command…>"
  STACK_RUN=$STACK_HOME/with-$$
  export STACK_RUN STACK_HOME
  mkdir -p "$STACK_RUN"
  echo "$$ $(began $$)" >"$STACK_RUN/owner"
  finish() {
    code=$?
    trap - EXIT INT TERM HUP
    # Quiet where all went well: the command's last words close the run.
    if [ "$code" = 0 ]; then
      stop >/dev/null
      rm -rf "$STACK_RUN"
    else
      stop
      echo "the stack's logs are kept in $STACK_RUN"
    fi
    exit "$code"
  }
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # Should this shell be killed outright, the stack must not outlive it.
  setsid -f sh "$here/stack.sh" guard >/dev/null 2>&1 </dev/null
  failed=0
  start || failed=1
  eval "$(env)"
  "$@" || failed=$?
  return $failed
}
guard() {
  while alive "$STACK_RUN/owner" >/dev/null; do sleep 2; done
  [ ! -d "$STACK_RUN" ] || { stop; rm -rf "$STACK_RUN"; }
}

case ${1:-} in
  start | stop | status | env | guard) "$1" ;;
  with) shift; with "$@" ;;
  *) usage "start|stop|status|env|with <command…>" ;;
esac
