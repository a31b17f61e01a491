//! The relay program: flags → configuration → log lines → serve until asked to stop → exit code.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use relay::config::{ConfigError, Flags, RelayConfig};
use relay::server::{RelayError, RelayServer};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let flags = Flags::parse();
    if flags.verify {
        return verify(&flags);
    }
    if flags.list {
        return list(&flags);
    }
    if flags.json {
        let words = "--json goes with --list or --verify";
        Flags::command()
            .error(ErrorKind::MissingRequiredArgument, words)
            .exit();
    }
    let config = match flags.into_config() {
        Ok(config) => config,
        Err(error @ ConfigError::Missing { .. }) => Flags::command()
            .error(ErrorKind::MissingRequiredArgument, error)
            .exit(),
        Err(error) => return fail(&error, 3),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    lines.with_ansi(is_terminal).init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime.map(|runtime| runtime.block_on(serve(config))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(&error, error.exit_code()),
        Err(error) => fail(&error, 1),
    }
}

/// Proves the log again and says what was proved.
fn verify(flags: &Flags) -> ExitCode {
    let data = match flags.data_folder() {
        Ok(data) => data,
        Err(error) => return fail(&error, 3),
    };
    match relay::server::verify(&data) {
        Ok(audit) if flags.json => print(&audit.to_json()),
        Ok(audit) => {
            let told = writeln!(
                io::stdout(),
                "everything is what its devices signed: {} communities, {} logs, {} batches, {} entries",
                audit.communities,
                audit.logs,
                audit.batches,
                audit.entries
            );
            told.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => fail(&error, error.exit_code()),
    }
}

/// Says what a relay carries, for whom, and what it has refused.
fn list(flags: &Flags) -> ExitCode {
    let data = match flags.data_folder() {
        Ok(data) => data,
        Err(error) => return fail(&error, 3),
    };
    match relay::server::look(&data) {
        Ok(overview) if flags.json => print(&overview.to_json()),
        Ok(overview) => {
            let told = write!(io::stdout(), "{overview}");
            told.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => fail(&error, error.exit_code()),
    }
}

fn print(json: &serde_json::Value) -> ExitCode {
    let told = writeln!(io::stdout(), "{json}");
    told.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

async fn serve(config: RelayConfig) -> Result<(), RelayError> {
    let mut asked = signal(SignalKind::terminate()).map_err(|_| RelayError::Fault)?;
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
