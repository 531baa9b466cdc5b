"""Writes a batch with each codec, or reads every value of a partition, with one of two clients.

compressed.py BOOTSTRAP confluent|kafka-python produce TOPIC CODEC FILE
compressed.py BOOTSTRAP confluent|kafka-python consume TOPIC COUNT
"""

import sys

LIMIT_S = 60
bootstrap, client, action, topic = sys.argv[1:5]

if (client, action) == ("confluent", "produce"):
    from confluent_kafka import Producer

    producer = Producer(
        {"bootstrap.servers": bootstrap, "compression.type": sys.argv[5], "linger.ms": 100}
    )
    for line in open(sys.argv[6], "rb"):
        producer.produce(topic, line.rstrip(b"\n"), partition=0)
    assert producer.flush(LIMIT_S) == 0
elif (client, action) == ("kafka-python", "produce"):
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=bootstrap.split(","), compression_type=sys.argv[5], linger_ms=100
    )
    lines = open(sys.argv[6], "rb").read().splitlines()
    futures = [producer.send(topic, line, partition=0) for line in lines]
    producer.flush(LIMIT_S)
    for future in futures:
        future.get(LIMIT_S)
    producer.close()
elif (client, action) == ("confluent", "consume"):
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "compression"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    for _ in range(int(sys.argv[5])):
        message = consumer.poll(LIMIT_S)
        assert message is not None and message.error() is None, message
        print(message.value().decode())
    consumer.close()
elif (client, action) == ("kafka-python", "consume"):
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","), consumer_timeout_ms=1000 * LIMIT_S
    )
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    for _ in range(int(sys.argv[5])):
        print(next(consumer).value.decode())
    consumer.close()
else:
    raise SystemExit(__doc__)
