"""A group of confluent-kafka with the cooperative-sticky assignor: partitions move one by one.

The first member has four partitions. When the second one comes it gives away two and keeps reading
the other two all the time. When the second one goes it takes over where that one had committed.
"""

import sys
import time

from confluent_kafka import Consumer, Producer

LIMIT_S = 90
PARTITIONS = 4
bootstrap, topic = sys.argv[1:]


class Member:
    """A consumer, what it owns, and what happened to it."""

    def __init__(self):
        self.owned = set()
        self.revoked = []
        self.values = []
        self.consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "cooperative",
                "partition.assignment.strategy": "cooperative-sticky",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 10000,
                "heartbeat.interval.ms": 500,
            }
        )
        self.consumer.subscribe([topic], on_assign=self.assigned, on_revoke=self.lost)

    def assigned(self, consumer, partitions):
        self.owned |= {it.partition for it in partitions}
        consumer.incremental_assign(partitions)

    def lost(self, consumer, partitions):
        self.revoked.append({it.partition for it in partitions})
        self.owned -= self.revoked[-1]
        consumer.incremental_unassign(partitions)

    def poll(self):
        message = self.consumer.poll(0.05)
        if message is not None:
            assert message.error() is None, message.error()
            self.values.append(int(message.value()))
            self.consumer.commit(message=message, asynchronous=False)


def poll_until(what, members, condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not in {LIMIT_S} s; owned: {[it.owned for it in members]}")
        for member in members:
            member.poll()


def produce(numbers):
    for number in numbers:
        producer.produce(topic, str(number), partition=number % PARTITIONS)
    assert producer.flush(LIMIT_S) == 0


producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all"})
produce(range(40))
one = Member()
poll_until("one member owns all", [one], lambda: len(one.owned) == PARTITIONS)
poll_until("one member reads all", [one], lambda: len(one.values) == 40)

two = Member()
both = [one, two]
poll_until("each owns half", both, lambda: len(one.owned) == len(two.owned) == PARTITIONS // 2)
assert not one.owned & two.owned
# Only what had to go was revoked, never everything.
assert len(one.revoked) == 1 and one.revoked[0] == two.owned, one.revoked
produce(range(40, 80))
poll_until("both read", both, lambda: len(one.values) + len(two.values) == 80)
assert len(one.values) == 60 and len(two.values) == 20

two.consumer.close()
poll_until("the first owns all again", [one], lambda: len(one.owned) == PARTITIONS)
produce(range(80, 100))
poll_until("it reads all", [one], lambda: len(one.values) == 80)
one.consumer.close()
assert sorted(one.values + two.values) == list(range(100)), "a record was read twice or never"
print("done")
