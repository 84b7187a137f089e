"""What the tests on a cluster say to it as a foreign client: topics, records in and out. Needs confluent-kafka."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PATIENCE = 30


def murmur2(key):
    """org.apache.kafka.common.utils.Utils.murmur2, as an unsigned number."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    hashed = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at:at + 4], "little") * multiplier & mask
        k = (k ^ k >> 24) * multiplier & mask
        hashed = (hashed * multiplier & mask) ^ k
    if len(key) > whole:
        hashed = (hashed ^ int.from_bytes(key[whole:], "little")) * multiplier & mask
    hashed = (hashed ^ hashed >> 13) * multiplier & mask
    return hashed ^ hashed >> 15


def partition_of(key, partitions):
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class Cluster:
    """By its bootstrap servers and further properties of librdkafka."""

    def __init__(self, bootstrap, **properties):
        self.properties = {"bootstrap.servers": bootstrap, "log_level": 3,
                           **{name.replace("_", "."): value for name, value in properties.items()}}

    def create(self, *topics, partitions=4):
        admin = AdminClient(self.properties)
        for created in admin.create_topics([NewTopic(topic, partitions) for topic in topics]).values():
            created.result(PATIENCE)

    def write(self, topic, records, transaction="commit"):
        """Records are (key, value, {header: value}), written in one transaction that is committed or aborted."""
        producer = Producer({**self.properties, "transactional.id": f"test-{topic}-{time.monotonic_ns()}",
                             "partitioner": "murmur2_random"})
        producer.init_transactions(PATIENCE)
        producer.begin_transaction()
        for key, value, headers in records:
            producer.produce(topic, value, key, headers=list(headers.items()))
        producer.flush(PATIENCE)
        {"commit": producer.commit_transaction, "abort": producer.abort_transaction}[transaction](PATIENCE)

    def read(self, *topics):
        """Every committed record of the topics, each partition's in its order: the client's messages. KafkaException where
        a topic may not be read."""
        consumer = Consumer({**self.properties, "group.id": "test", "isolation.level": "read_committed",
                             "enable.auto.commit": False, "enable.partition.eof": True})
        places = []
        for topic in topics:
            described = consumer.list_topics(topic, PATIENCE).topics[topic]
            if described.error:
                raise KafkaException(described.error)
            places += [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in described.partitions]
        consumer.assign(places)
        behind, found = {(place.topic, place.partition) for place in places}, []
        until = time.monotonic() + PATIENCE
        while behind and time.monotonic() < until:
            for message in consumer.consume(1000, 0.2):
                if not message.error():
                    found.append(message)
                    until = time.monotonic() + PATIENCE
                elif message.error().name() == "_PARTITION_EOF":
                    behind.discard((message.topic(), message.partition()))
                else:
                    raise KafkaException(message.error())
        consumer.close()
        assert not behind, f"{behind} could not be read to their ends"
        return found


def headers_of(message):
    return {name: value.decode() for name, value in message.headers() or []}
