//! Every bound of the broker that is not a Kafka setting, in one place.

use std::time::Duration;

/// Requests of one connection that are being answered. Beyond it the connection is not read.
pub const REQUESTS_PER_CONNECTION: usize = 64;

/// Answers waiting in memory for a slow reader, in bytes. Beyond it nothing more is answered.
pub const UNSENT_BYTES_PER_CONNECTION: usize = 64 << 20;

/// Answers waiting for slow readers on all connections, in bytes, beyond which a connection may leave
/// only the second number unread, and a fetch is answered with no more.
pub const ANSWER_BYTES: usize = 256 << 20;
pub const ANSWER_BYTES_CROWDED: usize = 1 << 20;

/// Requests that are larger share half of `queued.max.request.bytes`, all others the other half.
pub const LARGE_REQUEST_BYTES: usize = 2 << 20;

/// While others wait for memory, a request that has some must bring so many bytes in so much time, or
/// its end.
pub const SLOW_REQUEST_BYTES: usize = 1 << 20;
pub const SLOW_REQUEST_TIME: Duration = Duration::from_secs(3);

/// What a connection reads at once when it is idle; it grows while data keeps coming.
pub const READ_BYTES_MIN: usize = 4 << 10;
pub const READ_BYTES_MAX: usize = 256 << 10;

/// Reads and writes of one connection before another one has its turn on this thread.
pub const ROUNDS_PER_TURN: usize = 8;

/// A larger frame gets a buffer of its own, so that records kept in memory pin nothing else.
pub const SHARED_FRAME_BYTES: usize = 16 << 10;

/// Buffers handed to the kernel in one write.
pub const WRITE_SLICES: usize = 64;

/// In-memory tails of all logs together.
pub const TAIL_CACHE_BYTES: usize = 32 << 20;

/// Open segment files; the process limit is commonly 20,000 and sockets need some too.
pub const OPEN_FILES: usize = 4_000;

/// Partitions waiting for the ISR task; what does not fit is found by its periodic scan.
pub const ISR_QUEUE: usize = 4_096;

/// Partition changes waiting for one fetcher.
pub const FETCHER_QUEUE: usize = 8_192;

/// Requests waiting for one group coordinator shard.
pub const GROUP_QUEUE: usize = 1_024;

/// Partitions and groups that have series of their own in /metrics.
pub const MEASURED_PARTITIONS: usize = 10_000;
pub const MEASURED_GROUPS: usize = 1_000;

/// Memory that a decompressed batch may take when the broker has to look inside.
pub const DECOMPRESSED_BYTES: usize = 64 << 20;
