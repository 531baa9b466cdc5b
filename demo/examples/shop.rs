//! Opens the shop on any Kafka cluster, without `janus`.
//!
//! `cargo run -p demo --example shop -- localhost:9092 20 [SECOND:COMMAND]...`: 20 seconds, and at
//! each SECOND the shell COMMAND as a fault, `5:docker kill broker-1` for example. A file as the
//! second word is replayed instead, to its end.

use std::path::Path;

use anyhow::{Context, ensure};
use demo::{FaultAction, Options, Screen, input, run};
use tokio::process::Command;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, what, faults @ ..] = arguments.as_slice() else {
        anyhow::bail!("usage: shop HOST:PORT SECONDS_OR_FILE [SECOND:COMMAND]...");
    };
    let seconds = what.parse().ok();
    let input = match seconds {
        Some(_) => None,
        None => Some(input::inspect(Path::new(what), None)?),
    };
    let faults = faults.iter().map(|fault| fault_action(fault)).collect::<anyhow::Result<_>>()?;
    let options = Options {
        bootstrap: bootstrap.clone(),
        seconds,
        input,
        seed: 1,
        rate: 1000,
        session_timeout_ms: 3000,
        cancelled: Box::pin(async {
            // Without a signal handler the shop simply cannot be closed early.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }),
    };
    let mut screen = Screen::new(std::io::stderr(), None);
    let report = run(options, faults, |moment| screen.show(moment)).await?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    eprintln!("\n{report}");
    Ok(())
}

fn fault_action(fault: &str) -> anyhow::Result<FaultAction> {
    let (second, command) = fault.split_once(':').context("a fault is SECOND:COMMAND")?;
    let at_second = second.parse().with_context(|| format!("'{second}' is no number"))?;
    let command = command.to_owned();
    let name = command.clone();
    let run = Box::new(move || {
        let done = async move {
            let status = Command::new("sh").args(["-c", &command]).status().await?;
            ensure!(status.success(), "it ended with {status}");
            Ok("done".to_owned())
        };
        Box::pin(done) as demo::FaultFuture
    });
    Ok(FaultAction { name, at_second, run })
}
