//! The relay program: flags → configuration → log lines → serve until asked to stop → exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use relay::config::{ConfigError, Flags, RelayConfig};
use relay::server::{RelayError, RelayServer};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const WRONG_CONFIG: u8 = 3;

fn main() -> ExitCode {
    let config = match Flags::parse().into_config() {
        Ok(config) => config,
        Err(error @ ConfigError::Missing { .. }) => {
            Flags::command().error(ErrorKind::MissingRequiredArgument, error).exit()
        }
        Err(error) => return fail(&error, WRONG_CONFIG),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    match runtime.block_on(serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, error.exit_code()),
    }
}

async fn serve(config: RelayConfig) -> Result<(), RelayError> {
    let folder = config.data.clone();
    let failed = |reason| RelayError::Folder { path: folder.clone(), reason };
    let mut asked = signal(SignalKind::terminate()).map_err(failed)?;
    let mut relay = RelayServer::start(config).await?;
    let mut out = io::stdout();
    let ready = writeln!(out, "relay ready {}", relay.relay_addr()).and_then(|()| out.flush());
    if let Err(error) = ready {
        tracing::warn!(%error, "nobody reads where the relay is ready");
    }
    tokio::select! {
        _ = asked.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        fault = relay.failed() => return Err(fault),
    }
    relay.shut_down().await
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // Nobody may be left to read it; the exit code says it too.
    let _unread = writeln!(io::stderr(), "banyan-relay: {error}");
    ExitCode::from(code)
}
