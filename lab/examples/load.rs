//! Puts the load on any Kafka cluster and judges what became of it.
//!
//! `cargo run -p lab --example load -- localhost:9092 orders 20`: 20 seconds of load on `orders`.
//! Every line typed meanwhile marks a fault of that name.

use std::time::Duration;

use anyhow::Context;
use lab::load::{Load, LoadOptions};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, topic, seconds] = arguments.as_slice() else {
        anyhow::bail!("usage: load HOST:PORT TOPIC SECONDS");
    };
    let seconds = Duration::from_secs(seconds.parse().context("SECONDS is no number")?);
    let mut options = LoadOptions::new(bootstrap, topic);
    // Settings of librdkafka beside the load's own: `CLIENT="debug=topic;linger.ms=0"`.
    let more = std::env::var("CLIENT").unwrap_or_default();
    options.client.extend(more.split(';').filter_map(|setting| {
        let (key, value) = setting.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    }));
    let load = Load::start(options).await?;
    let (typed, mut lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let end = tokio::time::sleep(seconds);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            Some(name) = lines.recv() => load.mark_fault(&name),
        }
    }
    let report = load.stop_and_check().await?;
    print!("{}", report.verdict);
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
