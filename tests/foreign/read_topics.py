"""Reads topics from the start to the last stable offset under read_committed, and prints one JSON line per record.

Two readers that share no code with gooru-da: `confluent` is confluent-kafka with its Avro deserialiser and registry
client; `fastavro` is kcat for the records, plain HTTP for the schemas, fastavro for the values. Both print the same
lines in the same order: topic, partition, offset, key, schema id, value (or `error`). Exit 1 when any record did not
decode, 2 for a wrong call, 3 when a topic or the broker is not there.

Debian 12's kcat cannot log in with SCRAM at brokers of 3.9 and later (its librdkafka 2.0.2 repeats the server's nonce):
--sasl works with `confluent` there.

Addresses: KAFKA_BOOTSTRAP and REGISTRY_URL; with --sasl KAFKA_SASL_BOOTSTRAP, KAFKA_SASL_USER,
KAFKA_SASL_PASSWORD_FILE and KAFKA_CA_FILE, as deploy/local/kafka.sh prints them.
"""

import argparse
import datetime
import decimal
import io
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import fastavro

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    """A JSON value: decimals and dates as text, times as milliseconds, bytes as hex."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return round((value - EPOCH) / datetime.timedelta(milliseconds=1))
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def settings(sasl):
    if not sasl:
        return {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP"]}
    return {
        "bootstrap.servers": os.environ["KAFKA_SASL_BOOTSTRAP"],
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": os.environ["KAFKA_SASL_USER"],
        "sasl.password": pathlib.Path(os.environ["KAFKA_SASL_PASSWORD_FILE"]).read_text(),
        "ssl.ca.location": os.environ["KAFKA_CA_FILE"],
    }


def schema_id(payload):
    if payload is None:
        return None
    if len(payload) < 5 or payload[0] != 0:
        raise ValueError(f"no schema id in front of the value: {payload[:5].hex()}")
    return int.from_bytes(payload[1:5], "big")


def line(topic, partition, offset, key, payload, decode):
    record = {"topic": topic, "partition": partition, "offset": offset, "key": key and key.decode()}
    try:
        record["schemaId"] = schema_id(payload)
        record["value"] = plain(decode(topic, payload))
    except Exception as fault:  # noqa: BLE001: whatever a decoder throws is a finding about this record
        record["error"] = f"{type(fault).__name__}: {fault}"
    return record


def read_confluent(topics, sasl):
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    deserializer = AvroDeserializer(SchemaRegistryClient({"url": os.environ["REGISTRY_URL"]}))

    def decode(topic, payload):
        return deserializer(payload, SerializationContext(topic, MessageField.VALUE))

    consumer = Consumer(
        settings(sasl)
        | {
            "group.id": "foreign-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        for topic in topics:
            known = consumer.list_topics(topic, timeout=20).topics[topic]
            if known.error:
                raise LookupError(f"{topic}: {known.error}")
            left = set(known.partitions)
            consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in left])
            while left:
                message = consumer.poll(30)
                if message is None:
                    raise LookupError(f"{topic}: nothing heard for 30 s")
                if message.error():
                    if message.error().code() != KafkaError._PARTITION_EOF:
                        raise LookupError(f"{topic}: {message.error()}")
                    left.discard(message.partition())
                    continue
                yield line(topic, message.partition(), message.offset(), message.key(), message.value(), decode)
            consumer.unassign()
    finally:
        consumer.close()


def read_fastavro(topics, sasl):
    schemas = {}

    def schema(number):
        if number not in schemas:
            with urllib.request.urlopen(f"{os.environ['REGISTRY_URL']}/schemas/ids/{number}", timeout=20) as answer:
                schemas[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return schemas[number]

    def decode(_topic, payload):
        if payload is None:
            return None
        datum = io.BytesIO(payload[5:])
        value = fastavro.schemaless_reader(datum, schema(schema_id(payload)))
        if left := len(payload) - 5 - datum.tell():
            raise ValueError(f"{left} bytes behind the value")
        return value

    for topic in topics:
        client = settings(sasl) | {"isolation.level": "read_committed"}
        options = [part for name, value in client.items() if name != "bootstrap.servers" for part in ("-X", f"{name}={value}")]
        # Sizes go before the bytes, so that no byte in key or value can be taken for an end; -1 stands for none.
        kcat = ["kcat", "-C", "-q", "-e", "-E", "-o", "beginning", "-b", client["bootstrap.servers"], "-t", topic]
        with subprocess.Popen([*kcat, *options, "-f", "%p %o %K %S\n%k%s"], stdout=subprocess.PIPE) as process:
            while head := process.stdout.readline():
                partition, offset, key_size, size = map(int, head.split())
                key = process.stdout.read(key_size) if key_size >= 0 else None
                payload = process.stdout.read(size) if size >= 0 else None
                yield line(topic, partition, offset, key, payload, decode)
        if process.returncode != 0:
            raise LookupError(f"{topic}: kcat ended with {process.returncode}")


READERS = {"confluent": read_confluent, "fastavro": read_fastavro}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reader", choices=READERS, required=True)
    parser.add_argument("--sasl", action="store_true", help="over TLS with SCRAM-SHA-512")
    parser.add_argument("topics", nargs="+", help="full topic names")
    arguments = parser.parse_args()
    failed = 0
    try:
        for topic in arguments.topics:
            records = list(READERS[arguments.reader]([topic], arguments.sasl))
            for record in sorted(records, key=lambda record: (record["partition"], record["offset"])):
                failed += "error" in record
                print(json.dumps(record, ensure_ascii=False))
    except LookupError as fault:
        print(f"read_topics: {fault}", file=sys.stderr)
        return 3
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
