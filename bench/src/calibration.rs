//! How fast the machine itself is: the four things that every figure rests on.
//!
//! Taken before and after a run: when the two differ much, the machine was not quiet, or not the
//! same.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

const FLUSHES: usize = 300;
const ROUND_TRIPS: usize = 5_000;
const COPIES: usize = 40;
const COPY_BYTES: usize = 64 << 20;
const FRESH_BYTES: usize = 512 << 20;
const PAGE_BYTES: usize = 4096;

/// Two calibrations that differ more than this do not describe the same machine.
const MOVED_MAX: f64 = 0.15;

/// What the machine did: medians, and for fresh pages the mean.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Calibration {
    /// `fdatasync` after a write of 4 KiB into a file that has its blocks.
    pub fdatasync_us: f64,
    /// 128 bytes there and back between two threads.
    pub loopback_round_trip_us: f64,
    /// Copies of 64 MiB, more than the caches hold.
    pub memcpy_gb_per_s: f64,
    /// The first write into a page of 4 KiB of memory. A virtual machine that gives its free memory
    /// back to the host pays for it here, and so does every page of a log.
    pub fresh_page_us: f64,
}

impl Calibration {
    /// Measures for some seconds. `folder` is on the disk where the clusters keep their data.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        Ok(Self {
            fdatasync_us: fdatasync_us(folder).context("measure fdatasync")?,
            loopback_round_trip_us: round_trip_us().context("measure loopback")?,
            memcpy_gb_per_s: memcpy_gb_per_s(),
            fresh_page_us: fresh_page_us(),
        })
    }

    /// What changed between two calibrations by more than 15 %. Fresh pages change from moment to
    /// moment, with what has just been freed.
    pub(crate) fn moved(&self, later: &Self) -> Vec<String> {
        let pairs = [
            ("fdatasync", self.fdatasync_us, later.fdatasync_us),
            ("loopback", self.loopback_round_trip_us, later.loopback_round_trip_us),
            ("memcpy", self.memcpy_gb_per_s, later.memcpy_gb_per_s),
        ];
        let moved = pairs.into_iter().filter(|(_, a, b)| (b / a - 1.0).abs() > MOVED_MAX);
        moved.map(|(name, a, b)| format!("{name} {a:.1} -> {b:.1}")).collect()
    }
}

fn fdatasync_us(folder: &Path) -> Result<f64> {
    let file: File = tempfile::tempfile_in(folder)?;
    let block = [7u8; 4096];
    for index in 0..FLUSHES {
        file.write_all_at(&block, (index * block.len()) as u64)?;
    }
    file.sync_all()?;
    let times = (0..FLUSHES).map(|index| {
        let begin = Instant::now();
        file.write_all_at(&block, (index * block.len()) as u64)?;
        file.sync_data()?;
        Ok(begin.elapsed())
    });
    Ok(median_us(times.collect::<Result<_>>()?))
}

fn round_trip_us() -> Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    for stream in [&near, &far] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    }
    let echo = std::thread::spawn(move || -> std::io::Result<()> {
        let mut message = [0u8; 128];
        for _ in 0..ROUND_TRIPS {
            far.read_exact(&mut message)?;
            far.write_all(&message)?;
        }
        Ok(())
    });
    let mut message = [0u8; 128];
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let begin = Instant::now();
        near.write_all(&message)?;
        near.read_exact(&mut message)?;
        times.push(begin.elapsed());
    }
    echo.join().expect("the echo does not panic")?;
    Ok(median_us(times))
}

fn memcpy_gb_per_s() -> f64 {
    let from = vec![1u8; COPY_BYTES];
    let mut to = vec![0u8; COPY_BYTES];
    let copy = |_| {
        let begin = Instant::now();
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&mut to);
        begin.elapsed()
    };
    let median_us = median_us((0..COPIES).map(copy).collect());
    COPY_BYTES as f64 / median_us / 1e3
}

fn fresh_page_us() -> f64 {
    // Zeroed memory of this size comes from the system untouched.
    let mut memory = vec![0u8; FRESH_BYTES];
    let begin = Instant::now();
    memory.iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = 1);
    std::hint::black_box(&mut memory);
    begin.elapsed().as_secs_f64() * 1e6 / (FRESH_BYTES / PAGE_BYTES) as f64
}

fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let it = Calibration::take(folder.path()).unwrap();
        let figures =
            [it.fdatasync_us, it.loopback_round_trip_us, it.memcpy_gb_per_s, it.fresh_page_us];
        assert!(figures.iter().all(|figure| *figure > 0.0), "{it:?}");
        assert!(it.moved(&it).is_empty());
    }

    #[test]
    fn a_machine_that_became_slower_is_noticed() {
        let before = Calibration {
            fdatasync_us: 100.0,
            loopback_round_trip_us: 20.0,
            memcpy_gb_per_s: 9.0,
            fresh_page_us: 0.5,
        };
        let after = Calibration { fdatasync_us: 120.0, ..before };
        assert_eq!(before.moved(&after), ["fdatasync 100.0 -> 120.0"]);
    }
}
