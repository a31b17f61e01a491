//! What happens inside, told to the platform's log.

use std::fmt::{Debug, Write};
use std::mem;
use std::panic;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

use crate::keys::PlatformError;

/// Lines that wait for the platform; more are dropped.
const LINES_MAX: usize = 256;
/// Crates of ours. What others log may name addresses and paths.
const OURS: [&str; 4] = ["mobile_ffi", "sync_core", "sync_link", "sync_node"];

/// Where lines go, once that was set up.
static LINES: Mutex<Option<Lines>> = Mutex::new(None);

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Something is broken.
    Error,
    /// Something was not as it should be, and was coped with.
    Warn,
    /// A step.
    Info,
    /// For those who look for faults.
    Debug,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        if level == Level::ERROR {
            Self::Error
        } else if level == Level::WARN {
            Self::Warn
        } else if level == Level::INFO {
            Self::Info
        } else {
            Self::Debug
        }
    }
}

/// Takes lines for the platform's log, one after the other, on a thread of this library.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync + Debug {
    /// Takes one line. No line has a record's contents or a person's name in it.
    ///
    /// # Errors
    /// Whatever is thrown is ignored: a log that fails stops nothing.
    fn log(&self, level: LogLevel, source: String, text: String) -> Result<(), PlatformError>;
}

/// Sends what happens inside to the platform's log, for the whole process. Returns false if that was
/// set up before; then nothing changes.
///
/// # Errors
/// None.
#[uniffi::export]
pub fn init_logging(level: LogLevel, sink: Arc<dyn LogSink>) -> Result<bool, PlatformError> {
    let targets = OURS.map(|target| (target, LevelFilter::from(level)));
    let forward = Forward.with_filter(Targets::new().with_targets(targets));
    if tracing::subscriber::set_global_default(registry().with(forward)).is_err() {
        return Ok(false);
    }
    let (lines, taken) = sync_channel(LINES_MAX);
    let thread = thread::Builder::new()
        .name("banyan-log".to_owned())
        .spawn(move || hand_on(&taken, &*sink))
        .map_err(|error| PlatformError::Failed {
            reason: error.to_string(),
        })?;
    set_lines(Some(Lines { lines, thread }));
    log_panics();
    Ok(true)
}

/// Hands on the lines that wait, then no more. For platforms that end while threads still run: a Python
/// script that took a log calls it last. Not from the log itself.
///
/// # Errors
/// None.
#[uniffi::export]
pub fn end_logging() -> Result<(), PlatformError> {
    if let Some(Lines { lines, thread }) = set_lines(None) {
        drop(lines);
        // An error says that the log failed, which stops nothing.
        let _ended = thread.join();
    }
    Ok(())
}

/// A fault's message may have contents in it; where it happened has not.
fn log_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(place, "a fault of this library");
        before(info);
    }));
}

fn hand_on(lines: &Receiver<Line>, sink: &dyn LogSink) {
    for line in lines {
        // The only place where it could be told is the log.
        let _failed = sink.log(line.level, line.source, line.text);
    }
}

#[derive(Debug)]
struct Line {
    level: LogLevel,
    source: String,
    text: String,
}

/// The queue of lines, and the thread that hands them on.
struct Lines {
    lines: SyncSender<Line>,
    thread: JoinHandle<()>,
}

/// Puts these in place of those that are there, which are returned.
fn set_lines(lines: Option<Lines>) -> Option<Lines> {
    let mut there = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    mem::replace(&mut there, lines)
}

#[derive(Debug)]
struct Forward;

impl<S: Subscriber> Layer<S> for Forward {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        // A full queue loses the line rather than hold up the work that it tells of.
        let there = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Lines { lines, .. }) = &*there {
            let _full = lines.try_send(Line {
                level: (*event.metadata().level()).into(),
                source: event.metadata().target().to_owned(),
                text: text.0,
            });
        }
    }
}

#[derive(Debug, Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        // Writing to a text does not fail.
        let _written = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}
