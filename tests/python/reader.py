"""A member of a group that says what happens to it, one event a line, until SIGTERM or SIGINT.

reader.py BOOTSTRAP TOPIC GROUP [INSTANCE]

    assigned P,P       it owns these partitions and no others
    read P O V         it read value V at offset O
    committed P O      the group's offset of partition P is O
"""

import signal
import sys

from confluent_kafka import Consumer, KafkaException

bootstrap, topic, group = sys.argv[1:4]
instance = {"group.instance.id": sys.argv[4]} if len(sys.argv) > 4 else {}
ended = False


def end(number, frame):
    global ended
    ended = True


def assigned(consumer, partitions):
    print("assigned", ",".join(str(it.partition) for it in partitions))


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "socket.timeout.ms": 3000,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 200,
        **instance,
    }
)
consumer.subscribe([topic], on_assign=assigned)
while not ended:
    message = consumer.poll(0.1)
    if message is None:
        continue
    if message.error():
        # The client goes on by itself.
        print("error", message.error().name())
        continue
    print("read", message.partition(), message.offset(), message.value().decode())
    while not ended:
        try:
            consumer.commit(message=message, asynchronous=False)
            print("committed", message.partition(), message.offset() + 1)
            break
        except KafkaException as error:
            print("error", error.args[0].name())
            if not error.args[0].retriable() and not error.args[0].name().startswith("_"):
                break
            consumer.poll(0.05)
consumer.close()
print("closed")
