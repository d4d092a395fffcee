#!/bin/sh
# Apache Kafka on this machine without containers: one KRaft broker, or three combined nodes with NODES=3.
# It starts, finds, interrupts and stops brokers of one run folder; topics and schemas are made by `da`.
#
#   sh deploy/local/kafka.sh start|stop|status|url
#   sh deploy/local/kafka.sh kill|term|pause|resume [node]    kill -9, orderly stop, freeze, go on (node 1 if none is named)
#   sh deploy/local/kafka.sh start-node <node>                again on the same data and port
#
# Looks for: KAFKA_BOOTSTRAP (used as it is, nothing is started) → KAFKA_HOME/libs → jars in STACK_HOME → Maven.
# NODES=3                 three nodes, replication 3, min ISR 2; default 1
# KAFKA_PORT=9092         port of node 1, the next ones follow; default: free ports
# KAFKA_HEAP=1g           heap of a node; default 1g, with three nodes 512m
# KAFKA_ADVERTISED_PORT=n where clients are sent, when a proxy stands before the one node
# KAFKA_SECURITY=sasl_ssl one more listener with TLS and SCRAM-SHA-512, under KAFKA_SASL_BOOTSTRAP
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"

VERSION=4.3.0
CLUSTER=gooru-da-local-stackAA
classes=$STACK_HOME/kafka-$VERSION.jsa

libs() {
  if [ -n "${KAFKA_HOME:-}" ]; then
    [ -d "$KAFKA_HOME/libs" ] || unavailable "KAFKA_HOME=$KAFKA_HOME has no folder libs"
    echo "$KAFKA_HOME/libs"
    return
  fi
  if [ ! -d "$STACK_HOME/kafka-$VERSION" ]; then
    fetched=$STACK_HOME/kafka-$VERSION.$$
    maven_copy "$fetched" copy-dependencies -f "$here/kafka.pom.xml" -DincludeScope=runtime
    mv -T "$fetched" "$STACK_HOME/kafka-$VERSION" 2>/dev/null || rm -rf "$fetched"
  fi
  echo "$STACK_HOME/kafka-$VERSION"
}
jvm() { # <class> <arguments…>
  class=$1
  shift
  shared=-Xshare:auto
  [ ! -f "$classes" ] || shared=-XX:SharedArchiveFile=$classes
  "$java" "$shared" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$libs/*" "-Dlog4j2.configurationFile=$run/log4j2.properties" \
    "$class" "$@"
}
nodes() { cat "$run/nodes" 2>/dev/null || echo 0; }
each() { seq 1 "$(nodes)"; }
port() { cat "$run/node$1/$2.port"; }

# True when a broker answers a metadata request and names the node: an open port alone proves nothing.
answers() { # <bootstrap> <node or nothing>
  if have kcat; then
    kcat -L -b "$1" -m 3 2>/dev/null | grep -q "broker ${2:-[0-9]*} at "
  else
    jvm org.apache.kafka.tools.BrokerApiVersionsCommand --bootstrap-server "$1" 2>/dev/null | grep -q "(id: ${2:-[0-9]*} "
  fi
}
ready() { # <node>: ends the wait at once when the process is gone
  alive "$run/node$1/pid" >/dev/null || return 0
  grep -q 'Kafka Server started' "$run/node$1/log" && answers "127.0.0.1:$(port "$1" plain)" "$1"
}
await_node() {
  if await "$STACK_WAIT" ready "$1" && alive "$run/node$1/pid" >/dev/null; then return 0; fi
  show_log "$run/node$1/log" 25
  return 1
}

configure() { # <node>
  dir=$run/node$1
  replicas=$(nodes)
  isr=$(((replicas + 1) / 2))
  # A broker that others can stand in for is missed soon; a lone one that was frozen must not shut itself out.
  if [ "$replicas" -gt 1 ]; then missed=3000; else missed=30000; fi
  names=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
  plain=PLAINTEXT://127.0.0.1:$(port "$1" plain)
  listeners=$plain
  if [ -f "$dir/sasl.port" ]; then
    names=$names,SASL:SASL_SSL
    listeners=$plain,SASL://127.0.0.1:$(port "$1" sasl)
  fi
  advertised=$listeners
  [ -z "${KAFKA_ADVERTISED_PORT:-}" ] || advertised=PLAINTEXT://127.0.0.1:$KAFKA_ADVERTISED_PORT
  cat >"$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=$1
controller.quorum.bootstrap.servers=$(for n in $(each); do printf '127.0.0.1:%s,' "$(port "$n" controller)"; done | sed 's/,$//')
controller.listener.names=CONTROLLER
listeners=$listeners,CONTROLLER://127.0.0.1:$(port "$1" controller)
advertised.listeners=$advertised
listener.security.protocol.map=$names
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=$replicas
min.insync.replicas=$isr
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=12
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$isr
transaction.state.log.num.partitions=12
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$isr
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
broker.session.timeout.ms=$missed
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=$(getconf _NPROCESSORS_ONLN)
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=16777216
EOF
  [ -f "$dir/sasl.port" ] || return 0
  cat >>"$dir/server.properties" <<EOF
# The user of the services, and whoever comes over the plain port of this machine, may do all; the guest nothing.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:gooru-da
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$run/tls/server.pem
EOF
}
# A directory id as the format tool wants it; one that begins with a dash would be read as an option.
random_id() { printf 'A%s' "$(head -c 16 /dev/urandom | base64 | tr '+/' '__' | cut -c2-21)g"; }
format() { # <node> <further arguments of the format tool…>
  node=$1
  shift
  jvm kafka.tools.StorageTool format -t "$CLUSTER" -c "$run/node$node/server.properties" "$@" >"$run/node$node/format.log" 2>&1 ||
    { show_log "$run/node$node/format.log"; return 1; }
}

prepare() {
  rm -rf "$run"
  mkdir -p "$run"
  echo "${NODES:-1}" >"$run/nodes"
  if [ "$(nodes)" -gt 1 ]; then heap=512m; else heap=1g; fi
  echo "${KAFKA_HEAP:-$heap}" >"$run/heap"
  cat >"$run/log4j2.properties" <<'EOF'
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
EOF
  bootstrap=
  secure=
  voters=
  for n in $(each); do
    mkdir -p "$run/node$n"
    if [ -n "${KAFKA_PORT:-}" ]; then echo $((KAFKA_PORT + n - 1)); else free_port; fi >"$run/node$n/plain.port"
    free_port >"$run/node$n/controller.port"
    bootstrap=$bootstrap,127.0.0.1:$(port "$n" plain)
    voters=$voters,$n@127.0.0.1:$(port "$n" controller):$(random_id)
    [ "${KAFKA_SECURITY:-}" = sasl_ssl ] || continue
    free_port >"$run/node$n/sasl.port"
    secure=$secure,127.0.0.1:$(port "$n" sasl)
  done
  echo "export KAFKA_BOOTSTRAP=${bootstrap#,}" >"$run/env"
  set --
  if [ -n "$secure" ]; then
    make_certificates "$run/tls"
    password=$(secret)
    printf '%s' "$password" >"$run/sasl.password"
    chmod 600 "$run/sasl.password"
    cat >>"$run/env" <<EOF
export KAFKA_SASL_BOOTSTRAP=${secure#,}
export KAFKA_SASL_USER=gooru-da
export KAFKA_SASL_GUEST=gooru-da-guest
export KAFKA_SASL_PASSWORD_FILE='$run/sasl.password'
export KAFKA_CA_FILE='$run/tls/ca.pem'
export KAFKA_OTHER_CA_FILE='$run/tls/other-ca.pem'
EOF
    set -- --add-scram "SCRAM-SHA-512=[name=gooru-da,password=$password]" \
      --add-scram "SCRAM-SHA-512=[name=gooru-da-guest,password=$password]"
  fi
  if [ "$(nodes)" -gt 1 ]; then set -- --initial-controllers "${voters#,}" "$@"; else set -- --standalone "$@"; fi
  for n in $(each); do
    configure "$n"
    format "$n" "$@" &
    echo $! >"$run/node$n/format.pid"
  done
  for n in $(each); do wait "$(cat "$run/node$n/format.pid")" || fail "formatting node $n failed"; done
}
launch_node() {
  archive=-Xshare:auto
  # One node of three is enough to learn from.
  if [ "$1" = 1 ] || [ -f "$classes" ]; then archive=$(class_option "$classes"); fi
  launch "$run/node$1/pid" "$run/node$1/log" "$java" "-Xms256m" "-Xmx$(cat "$run/heap")" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    "$archive" -Djava.awt.headless=true "-Dlog4j2.configurationFile=$run/log4j2.properties" -cp "$libs/*" \
    kafka.Kafka "$run/node$1/server.properties"
}

running() { for n in $(each); do alive "$run/node$n/pid" >/dev/null && return 0; done; return 1; }
told() { grep -o 'KAFKA_BOOTSTRAP=.*' "$run/env" | tr '\n' ' ' | sed 's/ $//'; }
# The address given from outside, if it is not the one that we started ourselves.
given() {
  [ -n "${KAFKA_BOOTSTRAP:-}" ] || return 1
  [ ! -f "$run/env" ] || ! grep -qx "export KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP" "$run/env"
}

start() {
  if given; then
    if have kcat && ! answers "$KAFKA_BOOTSTRAP"; then fail "KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP is set, but no broker answers there; unset it to start one here"; fi
    echo "kafka given KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP"
    return
  fi
  java=$(find_java)
  libs=$(libs)
  if running; then
    for n in $(each); do alive "$run/node$n/pid" >/dev/null || launch_node "$n"; done
    for n in $(each); do await_node "$n" || fail "node $n runs but does not answer"; done
    echo "kafka already runs $(told)"
    return
  fi
  from=$(now_ms)
  prepare
  for n in $(each); do launch_node "$n"; done
  for n in $(each); do await_node "$n" || { stop >/dev/null; fail "node $n did not start"; }; done
  echo "kafka ready $(told) in $(seconds_since "$from") s"
}
start_node() {
  [ -f "$run/node$1/server.properties" ] || fail "there is no node $1 in $run"
  java=$(find_java)
  libs=$(libs)
  from=$(now_ms)
  alive "$run/node$1/pid" >/dev/null || launch_node "$1"
  await_node "$1" || fail "node $1 did not start"
  echo "kafka node $1 ready 127.0.0.1:$(port "$1" plain) in $(seconds_since "$from") s"
}
stop() {
  stopped=
  # Three nodes that leave one by one wait for each other's quorum: all are asked at once.
  for n in $(each); do
    pid=$(alive "$run/node$n/pid") || continue
    kill -TERM "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true
    stopped="$stopped $pid"
  done
  for n in $(each); do end "$run/node$n/pid" 60; done
  keep_classes "$classes"
  if [ -n "$stopped" ]; then echo "kafka stopped (pid$stopped)"; else echo "kafka does not run"; fi
}
status() {
  if given; then echo "kafka given KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP"; return; fi
  code=0
  [ "$(nodes)" != 0 ] || { echo "kafka does not run"; exit 3; }
  for n in $(each); do
    if pid=$(alive "$run/node$n/pid"); then
      case $(state_of "$pid") in T*) word=paused ;; *) word=running ;; esac
      echo "kafka node $n $word pid $pid 127.0.0.1:$(port "$n" plain)"
    else
      echo "kafka node $n down 127.0.0.1:$(port "$n" plain)"
      code=3
    fi
  done
  return $code
}
url() {
  if given; then echo "export KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP"; return; fi
  running || { echo "kafka does not run" >&2; exit 3; }
  cat "$run/env"
}

node=${2:-1}
case ${1:-} in
  start | stop | status | url | libs) "$1" ;;
  start-node) start_node "$node" ;;
  kill) signal KILL "$run/node$node/pid" "node $node" ;;
  term) signal TERM "$run/node$node/pid" "node $node" ;;
  pause) signal STOP "$run/node$node/pid" "node $node" ;;
  resume) signal CONT "$run/node$node/pid" "node $node" ;;
  *) usage "start|stop|status|url|libs|kill|term|pause|resume|start-node [node]" ;;
esac
