# shellcheck shell=sh
# What kafka.sh, registry.sh and postgres.sh share: folders, ports, processes by pid, waiting.
# It is sourced, never run, and starts nothing by itself.
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
# Downloads are kept in STACK_HOME; data, logs, pids and ports of one run in STACK_RUN.
STACK_HOME=${STACK_HOME:-$root/.stack}
STACK_RUN=${STACK_RUN:-$STACK_HOME/run}
case $STACK_HOME in /*) ;; *) STACK_HOME=$PWD/$STACK_HOME ;; esac
case $STACK_RUN in /*) ;; *) STACK_RUN=$PWD/$STACK_RUN ;; esac
# Seconds that a part may take until it answers.
STACK_WAIT=${STACK_WAIT:-180}
part=$(basename -- "$0" .sh)
run=$STACK_RUN/$part

# Exit codes: 0 it answers, 1 it should but does not, 2 wrong call, 3 not available here or not running.
fail() { echo "$part: $*" >&2; exit 1; }
unavailable() { echo "$part: not available: $*" >&2; exit 3; }
usage() { echo "usage: sh deploy/local/$part.sh $*" >&2; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }
now_ms() { date +%s%3N; }
seconds_since() { awk -v a="$1" -v b="$(now_ms)" 'BEGIN { printf "%.1f", (b - a) / 1000 }'; }
secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# A port of 127.0.0.1 that nobody listens on, below the range that the system hands out by itself.
# A folder per port keeps two starts of the same moment apart; one older than a minute counts no more.
free_port() {
  claims=${TMPDIR:-/tmp}/gooru-da-ports-$(id -u)
  mkdir -p "$claims"
  find "$claims" -mindepth 1 -maxdepth 1 -mmin +1 -exec rmdir {} + 2>/dev/null || true
  tries=0
  while [ "$tries" -lt 200 ]; do
    tries=$((tries + 1))
    candidate=$(($(od -An -N2 -tu2 /dev/urandom) % 12000 + 20000))
    if mkdir "$claims/$candidate" 2>/dev/null && ! port_taken "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  fail "no free port found"
}
port_taken() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$1")" '$2 ~ port "$" && $4 == "0A" { found = 1 } END { exit !found }'
}

# A process is its pid and the moment it began: a pid that was given away again is not ours.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
state_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1; }
# The pid that a file `<pid> <began>` names, if that process is still there.
alive() {
  [ -s "$1" ] || return 1
  read -r file_pid file_began <"$1" || return 1
  [ "$(began "$file_pid")" = "${file_began:-none}" ] || return 1
  case $(state_of "$file_pid") in Z | X | '') return 1 ;; esac
  echo "$file_pid"
}
# launch <pid file> <log file> <command…>: in a session of its own, so that a Ctrl-C here does not reach it.
launch() {
  pid_file=$1
  log_file=$2
  shift 2
  [ ! -f "$log_file" ] || mv "$log_file" "$log_file.before"
  rm -f "$pid_file"
  # shellcheck disable=SC2016
  setsid -f sh -c 'printf "%s %s\n" $$ "$(sed "s/.*) //" /proc/$$/stat | cut -d" " -f20)" >"$0.new"
    mv "$0.new" "$0"; exec "$@"' "$pid_file" "$@" >"$log_file" 2>&1 </dev/null
  until [ -s "$pid_file" ]; do sleep 0.02; done
}
# await <seconds> <command…>: until the command succeeds.
await() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}
gone() { ! alive "$1" >/dev/null; }
# end <pid file> [seconds]: asks it to stop, and kills it when it does not.
end() {
  pid=$(alive "$1") || return 0
  kill -TERM "$pid" 2>/dev/null || true
  kill -CONT "$pid" 2>/dev/null || true
  await "${2:-20}" gone "$1" || kill -KILL "$pid" 2>/dev/null || true
  await 10 gone "$1" || fail "process $pid does not end"
}
signal() { # <signal> <pid file> <name>
  pid=$(alive "$2") || { echo "$part: $3 is not running" >&2; exit 3; }
  kill "-$1" "$pid"
  case $1 in KILL | TERM) await 60 gone "$2" || fail "$3 (pid $pid) does not end" ;; esac
  echo "$part: $3 (pid $pid) got SIG$1"
}
# The end of a log, to standard error.
show_log() { [ ! -f "$1" ] || { echo "--- end of $1" >&2; tail -n "${2:-15}" "$1" >&2; }; }

find_java() {
  if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then echo "$JAVA_HOME/bin/java"; return; fi
  have java || unavailable "java is missing; install openjdk-17-jre-headless (sh deploy/setup.sh full)"
  command -v java
}
# The first orderly stop leaves the classes that were loaded beside the jars: later starts cost half the processor time.
class_option() { # <archive>
  if [ -f "$1" ]; then
    echo "-XX:SharedArchiveFile=$1"
  elif [ -w "$STACK_HOME" ]; then
    echo "-XX:ArchiveClassesAtExit=$run/classes.jsa"
  else
    echo -Xshare:auto
  fi
}
keep_classes() { # <archive>
  [ -f "$1" ] || [ ! -f "$run/classes.jsa" ] || mv "$run/classes.jsa" "$1"
}
# A goal of the Maven dependency plugin, quietly; its words are shown when it fails.
maven_copy() { # <folder> <goal> <arguments…>
  target=$1
  goal=$2
  shift 2
  have mvn || unavailable "it is not in $STACK_HOME, and mvn, which would fetch it, is missing; install maven"
  mkdir -p "$STACK_HOME"
  if ! mvn -B -q "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:$goal" -DoutputDirectory="$target" "$@" \
    >"$target.log" 2>&1 </dev/null; then
    tail -n 5 "$target.log" >&2
    unavailable "Maven could not fetch it (words above, all of them in $target.log)"
  fi
  rm -f "$target.log"
}

# A throw-away authority, a server certificate for this machine, and a second authority that signed nothing of ours.
make_certificates() { # <folder>
  [ ! -f "$1/server.pem" ] || return 0
  have openssl || unavailable "openssl, which makes the certificates, is missing"
  mkdir -p "$1"
  (
    cd "$1"
    for name in ca other-ca; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=gooru-da throw-away $name" \
        -keyout "$name.key" -out "$name.pem"
    done
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt
    # Key and chain in one file, as the broker reads them.
    openssl pkcs8 -topk8 -nocrypt -in server.key -out server.pk8
    cat server.pk8 server.crt ca.pem >server.pem.new
    chmod 600 ./*.key server.pk8 server.pem.new
    mv server.pem.new server.pem
  ) >"$1.log" 2>&1 || fail "openssl failed, see $1.log"
}
