"""kafka-python 3: administration, an idempotent producer, a consumer in a group."""

import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError

bootstrap = sys.argv[1].split(",")
admin = KafkaAdminClient(bootstrap_servers=bootstrap)
assert len(admin.describe_cluster()["brokers"]) == 3
topic = {"num_partitions": 3, "replication_factor": 3, "configs": {"retention.ms": "60000"}}
admin.create_topics({"python": topic}, wait_for_metadata=True)
try:
    admin.create_topics({"python": topic})
    raise SystemExit("a topic was created twice")
except TopicAlreadyExistsError:
    pass
assert admin.list_topics() == ["python"]
described = admin.describe_topics(["python"])[0]
assert len(described["partitions"]) == 3, described
resource = ConfigResource(ConfigResourceType.TOPIC, "python", configs={"retention.ms": "70000"})
admin.alter_configs([resource])
configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "python")])
assert "70000" in str(configs), configs

producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
futures = [
    producer.send(
        "python",
        key=str(number).encode(),
        value=f"value {number}".encode(),
        headers=[("number", str(number).encode()), ("number", b"again")],
    )
    for number in range(100)
]
producer.flush(60)
offsets = [future.get(60) for future in futures]
assert sum(1 for it in offsets if it.offset == 0) <= 3
producer.close()

consumer = KafkaConsumer(
    "python",
    bootstrap_servers=bootstrap,
    group_id="pythons",
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    consumer_timeout_ms=60000,
)
seen = {}
for message in consumer:
    number = int(message.key)
    assert message.value == f"value {number}".encode(), message
    assert list(message.headers) == [("number", str(number).encode()), ("number", b"again")]
    seen[number] = (message.partition, message.offset)
    if len(seen) == 100:
        break
assert seen == {number: (it.partition, it.offset) for number, it in enumerate(offsets)}
consumer.commit()
consumer.close()

committed = admin.list_group_offsets({"pythons": None})["pythons"]
assert sum(it.offset for it in committed.values()) == 100, committed
assert [group["group_id"] for group in admin.list_groups()] == ["pythons"]
deleted = admin.delete_records({TopicPartition("python", 0): 1})
assert list(deleted.values())[0]["low_watermark"] == 1, deleted
admin.delete_groups(["pythons"])
admin.delete_topics(["python"])
print("done")
