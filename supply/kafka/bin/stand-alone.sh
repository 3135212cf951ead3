#!/bin/sh
# One broker with no cluster around it, for tests:
#   docker run -e KAFKA_ADVERTISED_HOST=127.0.0.1 -e KAFKA_ADVERTISED_PORT=19092 -p 127.0.0.1:19092:9092 …
set -eu
config=/tmp/server.properties
cat > "$config" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093
advertised.listeners=PLAINTEXT://${KAFKA_ADVERTISED_HOST:-localhost}:${KAFKA_ADVERTISED_PORT:-9092}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/var/lib/kafka/data
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
EOF
if [ ! -f /var/lib/kafka/data/meta.properties ]; then
  kafka-storage.sh format --cluster-id "${KAFKA_CLUSTER_ID:-dHJhY2t1bml0LXRlc3RzMQ}" --config "$config"
fi
exec kafka-server-start.sh "$config"
