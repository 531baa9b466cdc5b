# Two commands do it all on a fresh Debian 12 machine: `make demo` and `make test`.

# Outside the clone, so that another clone does not compile everything again.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/janus/target
KAFKA_HOME ?= $(HOME)/.cache/janus/kafka-4.3.0
export KAFKA_CLIENTS_LIBS ?= $(KAFKA_HOME)/libs
# The last version with ZooKeeper.
KAFKA_ZOOKEEPER_HOME ?= $(HOME)/.cache/janus/kafka-3.9.1
export KAFKA_ZOOKEEPER_LIBS ?= $(KAFKA_ZOOKEEPER_HOME)/libs
PYTHON_HOME ?= $(HOME)/.cache/janus/python
PREFIX ?= /usr/local
MODE ?= raft
ifeq ($(MODE),modes)
BENCH_FLAGS ?= --turns 21 throughput records requests
endif

BUILD_PACKAGES = gcc g++ make cmake pkg-config libclang-dev librocksdb-dev zlib1g-dev
TEST_PACKAGES = kcat openjdk-17-jre-headless maven python3-venv zookeeper iproute2 procps systemd

.PHONY: build demo test lint fix install e2e gaps tools tools-zookeeper tools-test bench clean-demo

# Builds the three binaries in release.
build: tools
	cargo build --release --bins -p janus -p janus-broker -p janus-controller

# A cluster, the online shop on it, and two faults; prints what was lost and duplicated.
demo: build $(if $(filter zookeeper,$(MODE)),tools-zookeeper)
	$(CARGO_TARGET_DIR)/release/janus demo --mode $(MODE)

# Everything that has to hold: lint, unit and property tests, end-to-end tests with real clients.
test: build tools-test lint
	cargo test --workspace --exclude tests
	$(MAKE) e2e

# Starts the real binaries and real Kafka clients.
e2e: build tools-test
	JANUS_BIN_DIR=$(CARGO_TARGET_DIR)/release JANUS_PYTHON=$(PYTHON_HOME)/bin/python \
	    cargo test -p tests -- --test-threads=1

# How long clients wait when something breaks: 20 faults of each kind, in each mode.
gaps: build tools-test
	JANUS_FAULTS=20 JANUS_BIN_DIR=$(CARGO_TARGET_DIR)/release \
	    cargo test -p tests --test end_to_end gaps:: -- --test-threads=1

# Janus beside Apache Kafka on this machine: about 40 minutes, and it wants the machine for itself. The
# table goes to docs/results/. MODE=zookeeper: beside Kafka 3.9. MODE=modes: one mode beside the other,
# which is a matter of a few per cent and takes many turns.
bench: build tools-test
	$(CARGO_TARGET_DIR)/release/janus bench run --out docs/results/$(MODE).md $(BENCH_FLAGS) \
	    --mode $(if $(filter modes,$(MODE)),zookeeper --peer raft,$(MODE))

# Read-only checks; `make fix` is the twin that changes files.
lint:
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings

fix:
	cargo fmt --all

install: build
	install -d $(PREFIX)/bin
	install -m 755 $(addprefix $(CARGO_TARGET_DIR)/release/,janus janus-broker janus-controller) $(PREFIX)/bin

tools:
	@tests/setup/packages $(BUILD_PACKAGES)
	@tests/setup/rust

tools-zookeeper:
	@tests/setup/packages openjdk-17-jre-headless zookeeper

tools-test:
	@tests/setup/packages $(TEST_PACKAGES)
	@tests/setup/kafka 4.3.0 $(KAFKA_HOME)
	@tests/setup/kafka 3.9.1 $(KAFKA_ZOOKEEPER_HOME)
	@tests/setup/python $(PYTHON_HOME)
