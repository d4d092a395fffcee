"""Demux's work as a Python loop: batches of confluent-kafka, JSON by orjson, one Kafka transaction per 100 ms.

    loop.py <brokers> <group> <input topic> <prefix of output topics>

Reads impact signals as JSON, writes one discrete event as JSON per change, to <prefix><object>.<metric>, in the
partition of its input, with offsets inside the transaction. Runs until SIGTERM. Nothing is checked or dead-lettered.
"""

import hashlib
import signal
import sys
import time
import uuid

import orjson
from confluent_kafka import Consumer, Producer

NAMESPACE = uuid.UUID("1e8be37c-6fbe-5996-b676-b7b09aeab86c").bytes
RESOURCE = ("resource", "question")
CADENCE = 0.1


def id_of(parts):
    digest = bytearray(hashlib.sha1(NAMESPACE + "\x1f".join(parts).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def key_of(name, event, change, resource_level):
    at, revision = change["context"], str(change["revision"])
    user, item = event["userId"], change["itemId"] or ""
    if resource_level:
        parts = [user, change["sessionId"], item, change["resourceId"] or ""]
    elif name == "usage.collection.score":
        scope = [at[part] or "" for part in ("classId", "courseId", "unitId", "lessonId")]
        parts = [user, item, *scope, at["track"], str(at["pathId"])]
    else:
        parts = [user, change["sessionId"], item]
    return id_of([name, event["tenantId"], *parts, revision])


def discrete(signal_, change, index, message):
    event, object_, metric = signal_["event"], change["entity"], change["metric"]
    name, resource_level = f"usage.{object_}.{metric}", object_ in RESOURCE
    lineage = signal_["lineage"]
    src = f"{message.topic()}/{message.partition()}@{message.offset()}#{index}"
    return {
        "lineage": {
            "src": src,
            "hop": lineage["hop"] + 1,
            "seq": message.offset(),
            "id": id_of([src]),
            "root": lineage["root"],
        },
        "eventName": name,
        "deId": key_of(name, event, change, resource_level),
        "revision": change["revision"],
        "eventId": event["eventId"],
        "eventKey": event["eventKey"],
        "activityTime": change["activityTime"],
        "localDate": change["localDate"],
        "cause": change["cause"],
        "userId": event["userId"],
        "resourceId": change["resourceId"] if resource_level else None,
        "resourceType": change["resourceType"] if resource_level else None,
        "collectionId": None if resource_level else change["itemId"],
        "collectionType": None if resource_level else change["itemType"],
        "itemKind": None,
        "code": None,
        "context": change["context"],
        "result": change["after"],
        "previous": change["before"],
    }


def main(brokers, group, topic, prefix):
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
        "isolation.level": "read_committed", "fetch.queue.backoff.ms": 10, "queued.max.messages.kbytes": 16384,
    })
    producer = Producer({
        "bootstrap.servers": brokers, "transactional.id": group, "acks": "all", "compression.type": "lz4",
        "linger.ms": 5, "queue.buffering.max.kbytes": 65536, "queue.buffering.max.messages": 500000,
        "delivery.report.only.error": True, "retry.backoff.ms": 20,
    })
    producer.init_transactions()
    consumer.subscribe([topic])
    running = []
    signal.signal(signal.SIGTERM, lambda *_: running.append(False))
    while not running:
        batch = consumer.consume(1000, 0.025)
        if not batch:
            continue
        producer.begin_transaction()
        began = time.monotonic()
        while batch:
            for message in batch:
                if message.error():
                    raise RuntimeError(message.error())
                signal_ = orjson.loads(message.value())
                for index, change in enumerate(signal_["changes"]):
                    value = orjson.dumps(discrete(signal_, change, index, message))
                    to = f"{prefix}{change['entity']}.{change['metric']}"
                    producer.produce(to, value, message.key(), message.partition())
            producer.poll(0)
            batch = consumer.consume(1000, 0) if time.monotonic() - began < CADENCE else []
        producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata())
        producer.commit_transaction()
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
