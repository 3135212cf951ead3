#!/bin/sh
# Runs one class of Kafka. It heeds the variables of Kafka's own script of this name, so that a
# pod need not know whose image it runs.
set -eu
: "${KAFKA_HEAP_OPTS:=-Xmx256m}"
: "${KAFKA_JVM_PERFORMANCE_OPTS:=-XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true}"
: "${KAFKA_LOG4J_OPTS:=-Dlog4j2.configurationFile=/opt/kafka/config/log4j2.properties}"
# shellcheck disable=SC2086 # the variables hold lists of options
exec java ${KAFKA_HEAP_OPTS} ${KAFKA_JVM_PERFORMANCE_OPTS} ${KAFKA_LOG4J_OPTS} ${KAFKA_OPTS:-} \
  -cp '/opt/kafka/libs/*' "$@"
