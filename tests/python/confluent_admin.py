"""Administration with confluent-kafka: topics, configurations, offsets by timestamp, groups."""

import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

LIMIT_S = 60
bootstrap = sys.argv[1]
admin = AdminClient({"bootstrap.servers": bootstrap})


def done(futures):
    """The results of an operation; raises what went wrong."""
    return {key: future.result(LIMIT_S) for key, future in futures.items()}


cluster = admin.describe_cluster().result(LIMIT_S)
assert len(cluster.nodes) == 3 and cluster.controller is not None, cluster

done(admin.create_topics([NewTopic("admin", 2, 3, config={"retention.ms": "60000"})]))
try:
    done(admin.create_topics([NewTopic("admin", 2, 3)]))
    raise SystemExit("a topic was created twice")
except KafkaException as error:
    assert error.args[0].name() == "TOPIC_ALREADY_EXISTS", error
done(admin.create_partitions([NewPartitions("admin", 4)]))

resource = ConfigResource(ResourceType.TOPIC, "admin")
set_entry = ConfigEntry("max.message.bytes", "2000000")
set_entry.incremental_operation = AlterConfigOpType.SET
delete_entry = ConfigEntry("retention.ms", None)
delete_entry.incremental_operation = AlterConfigOpType.DELETE
changes = ConfigResource(
    ResourceType.TOPIC, "admin", incremental_configs=[set_entry, delete_entry]
)
done(admin.incremental_alter_configs([changes]))
configs = done(admin.describe_configs([resource]))[resource]
assert configs["max.message.bytes"].value == "2000000", configs["max.message.bytes"]
assert configs["retention.ms"].value == "604800000", configs["retention.ms"]
assert configs["retention.ms"].is_default

# Ten records a second apart, then questions about times between them.
producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
first_ms = 1_700_000_000_000
for number in range(10):
    producer.produce("admin", str(number), partition=1, timestamp=first_ms + 1000 * number)
assert producer.flush(LIMIT_S) == 0
place = TopicPartition("admin", 1)
for spec, offset in [
    (OffsetSpec.earliest(), 0),
    (OffsetSpec.latest(), 10),
    (OffsetSpec.max_timestamp(), 9),
    (OffsetSpec.for_timestamp(first_ms), 0),
    (OffsetSpec.for_timestamp(first_ms + 4001), 5),
    (OffsetSpec.for_timestamp(first_ms + 9001), -1),
]:
    found = done(admin.list_offsets({place: spec}))[place]
    assert found.offset == offset, (spec, found)
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "admins"})
times = [TopicPartition("admin", 1, first_ms + 3000)]
assert consumer.offsets_for_times(times, LIMIT_S)[0].offset == 3
assert consumer.get_watermark_offsets(place, LIMIT_S) == (0, 10)

consumer.commit(offsets=[TopicPartition("admin", 1, 7)], asynchronous=False)
assert consumer.committed([place], LIMIT_S)[0].offset == 7
consumer.close()
listed = admin.list_consumer_groups().result(LIMIT_S)
assert [group.group_id for group in listed.valid] == ["admins"], listed.valid
group = admin.describe_consumer_groups(["admins"])["admins"].result(LIMIT_S)
assert group.state.name == "EMPTY", group.state
done(admin.delete_consumer_groups(["admins"]))

deleted = done(admin.delete_records([TopicPartition("admin", 1, 4)]))
assert list(deleted.values())[0].low_watermark == 4
assert "admin" in admin.list_topics(timeout=LIMIT_S).topics
done(admin.delete_topics(["admin"]))
print("done")
