//! `janus-broker FILE [--override key=value]...`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use config::{Role, Server, Settings};
use janus_broker::RunError;
use telemetry::{LogFormat, Logging};
use tikv_jemallocator::Jemalloc;

/// Gives freed memory back within seconds. The C library's keeps what a load needed at its peak, because
/// batches come in many sizes and live for different times (decision 007).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The Janus broker: serves Kafka clients, coordinated by Janus controllers.
#[derive(Parser)]
#[command(version, after_help = "Example: janus-broker server.properties --override node.id=2")]
struct Arguments {
    /// A server.properties file with Kafka's keys.
    file: PathBuf,
    /// Sets a key, over the file and the environment.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let variables = config::environment();
    let server = Server::load(Role::Broker, &arguments.file, &arguments.overrides, variables);
    let server = match server {
        Ok(server) => server,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(2);
        }
    };
    let settings = &server.settings;
    if let Err(error) = telemetry::init_logging(&logging(settings)) {
        eprintln!("open the log in janus.log.dir: {error}");
        return ExitCode::FAILURE;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = usize::try_from(settings.i32("num.network.threads")).unwrap_or(1);
    // The other half is the kernel's, which does three quarters of a broker's work.
    let threads = wanted.clamp(1, cores.div_ceil(2));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(16)
        .thread_name("broker")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(janus_broker::run(server));
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(RunError::Configuration(error)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn logging(settings: &Settings) -> Logging {
    let json = settings.str("janus.log.format") == "json";
    Logging {
        format: if json { LogFormat::Json } else { LogFormat::Text },
        directory: settings.string("janus.log.dir").filter(|it| !it.is_empty()).map(Into::into),
        name: format!("broker-{}.log", settings.node_id()),
        file_bytes_max: settings.i64("janus.log.file.bytes").unsigned_abs(),
        files: settings.i32("janus.log.files").unsigned_abs(),
    }
}
