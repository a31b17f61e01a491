//! Bundles: everything in files that somebody carries, where no network is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sync_core::bundle::{BadBundle, WriteBundleError};
use sync_core::replica::{BundleBlobs, BundleError, Replica};
use sync_node::bundle::{self, BundleFileError, Exported, Imported, Inspected};
use sync_node::draft::FileError;
use tokio::sync::{Mutex, watch};

use crate::community::{Community, told_to_close};
use crate::error::BanyanError;
use crate::fault::{Class, Fault};
use crate::values::SyncReport;

/// What an export is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct ExportAsk {
    /// Only what this member or device may have, by name or id, and sealed to them alone; none: for all
    /// who belong.
    #[uniffi(default = None)]
    pub reader: Option<String>,
    /// Leaves out what this member or device is known to have, by name or id, or what the sender of a bundle
    /// had, by its path.
    #[uniffi(default = None)]
    pub since: Option<String>,
    /// Most bytes of one file, 1,000,000 at least; what does not fit goes into further files.
    #[uniffi(default = None)]
    pub max_bytes: Option<u64>,
    /// Whether files that are there may be replaced.
    #[uniffi(default = false)]
    pub replace: bool,
    /// Which attachments go along, of those that are here; none: all.
    #[uniffi(default = None)]
    pub attachments: Option<Along>,
}

/// Which attachments go along in a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, uniffi::Enum)]
pub enum Along {
    /// All of them.
    #[default]
    All,
    /// The small pictures.
    Previews,
    /// None.
    None,
}

impl From<Along> for BundleBlobs {
    fn from(along: Along) -> Self {
        match along {
            Along::All => Self::All,
            Along::Previews => Self::Previews,
            Along::None => Self::None,
        }
    }
}

/// What an export has written.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ExportReport {
    /// The files; of several, each has its number in its name.
    pub files: Vec<String>,
    /// Entries in them.
    pub entries: u64,
    /// Their size.
    pub bytes: u64,
    /// Attachments in them, small pictures counted by themselves.
    pub attachments: u64,
}

impl From<Exported> for ExportReport {
    fn from(exported: Exported) -> Self {
        Self {
            files: exported.files.iter().map(|path| shown(path)).collect(),
            entries: exported.totals.entries,
            bytes: exported.bytes,
            attachments: exported.blobs,
        }
    }
}

/// What one file brought. Counts are of entries.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ImportedFile {
    /// The file.
    pub path: String,
    /// Who wrote it, by name.
    pub sender: String,
    /// When, in milliseconds since 1970, by their clock.
    pub at_ms: i64,
    /// Which file of its export it is, from 1.
    pub part: u64,
    /// How many there are.
    pub parts: u64,
    /// Files of the same export that have not come whole yet, by number.
    pub missing: Vec<u64>,
    /// New here.
    pub received: u64,
    /// Here already.
    pub known: u64,
    /// Waiting in the file for what they build on.
    pub waiting: u64,
    /// Of spaces that this device may not have.
    pub for_others: u64,
    /// Attachments that are here as a whole now, small pictures counted by themselves.
    pub attachments: u64,
    /// What is wrong with the file and what to do about it, as a sentence. All that could be taken was.
    pub trouble: Option<String>,
}

/// What several files brought.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ImportReport {
    /// File by file, in the order in which they were written.
    pub files: Vec<ImportedFile>,
    /// All of them together; nothing in it was sent.
    pub report: SyncReport,
}

/// Entries of one space in a file.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SpaceInBundle {
    /// The space, by name.
    pub name: String,
    /// How many entries.
    pub entries: u64,
    /// Whether this device may have them.
    pub is_mine: bool,
}

/// What a file is. Of one that is sealed to others only the first three are known.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct BundleInfo {
    /// The community's id.
    pub community: String,
    /// Its size.
    pub bytes: u64,
    /// Whether this device can open it.
    pub is_open: bool,
    /// Who wrote it, by name.
    pub sender: Option<String>,
    /// When, in milliseconds since 1970, by their clock.
    pub at_ms: Option<i64>,
    /// Which file of its export it is, from 1; zero if it is not known.
    pub part: u64,
    /// How many there are.
    pub parts: u64,
    /// Whether something that somebody was known to have is left out.
    pub is_partial: bool,
    /// Entries in it.
    pub entries: u64,
    /// Attachments in it, small pictures counted by themselves.
    pub attachments: u64,
    /// By space.
    pub spaces: Vec<SpaceInBundle>,
    /// What is wrong with it, as a sentence.
    pub trouble: Option<String>,
}

/// How far a bundle has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct BundleProgress {
    /// Entries so far.
    pub entries: u64,
    /// How much of `all` is done.
    pub done: u64,
    /// Of an export all its entries, zero while it is planned; else the bytes of all files.
    pub all: u64,
}

impl From<bundle::BundleProgress> for BundleProgress {
    fn from(progress: bundle::BundleProgress) -> Self {
        Self {
            entries: progress.entries,
            done: progress.done,
            all: progress.all,
        }
    }
}

/// Looks after one export, import or inspection, to which it is handed: tells how far it is, and stops it.
#[derive(Debug, uniffi::Object)]
pub struct BundleWatch {
    watch: bundle::BundleWatch,
    moves: Mutex<watch::Receiver<bundle::BundleProgress>>,
}

#[uniffi::export]
impl BundleWatch {
    /// One that has nothing to look after yet. Each is used once.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        let watch = bundle::BundleWatch::default();
        Arc::new(Self {
            moves: Mutex::new(watch.moves()),
            watch,
        })
    }

    /// Stops it. Whoever awaits it hears so at once; no step of it takes longer than some 40 milliseconds.
    /// A stopped export leaves no file; what a stopped import took in stays, and the rest comes when
    /// the file is imported again.
    pub fn stop(&self) {
        self.watch.stop();
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> BundleProgress {
        self.watch.progress().into()
    }

    /// Waits until it has come further; of several steps, the newest is told. None once it has ended. For
    /// one consumer.
    pub async fn next_progress(&self) -> Option<BundleProgress> {
        let mut moves = self.moves.lock().await;
        let mut ends = self.watch.ends();
        tokio::select! {
            biased;
            moved = moves.changed() => moved.ok()?,
            _ended = ends.wait_for(|is_ended| *is_ended) => return None,
        }
        Some((*moves.borrow_and_update()).into())
    }
}

#[uniffi::export]
impl Community {
    /// Writes what this device has into a file, or several of a size. Nobody sees a file before all are whole.
    /// Only members can open it, so anybody may carry it. Nothing counts as sent by it.
    ///
    /// Ended early by `watch`, by nobody awaiting it any more, or by `close`.
    ///
    /// # Errors
    /// `NotFound` for the reader or whom it is since; `Invalid` for a file that is there or a size that is too
    /// small; `NotAllowed` before this device has met the community; `Offline` if it was stopped; `Storage`.
    #[uniffi::method(default(watch = None))]
    pub async fn export_bundle(
        &self,
        path: String,
        ask: ExportAsk,
        watch: Option<Arc<BundleWatch>>,
    ) -> Result<ExportReport, BanyanError> {
        let ask = bundle::ExportAsk {
            path: path.into(),
            reader: ask.reader,
            since: ask.since,
            bytes_max: ask.max_bytes,
            may_replace: ask.replace,
            blobs: ask.attachments.unwrap_or_default().into(),
        };
        let watch = watch.unwrap_or_else(BundleWatch::new);
        let node = self.node().map_err(|fault| fault.said_in(self.lang))?;
        let exported = node.export_bundle(ask, &watch.watch);
        Ok(self.unless_closed(exported).await?.into())
    }

    /// Takes in what files bring; they may be given in any order. Each entry is checked as if it had come over
    /// the network. A file may be imported again at any time, and one that was stopped or broke off goes on.
    ///
    /// Ended early as `export_bundle` is.
    ///
    /// # Errors
    /// `Invalid` for a file of which nothing can be used, before anything is taken in; `NotFound` if there is
    /// none; `Offline` if it was stopped; `Storage`. A file that brings a part is no error: see `trouble`.
    #[uniffi::method(default(watch = None))]
    pub async fn import_bundles(
        &self,
        paths: Vec<String>,
        watch: Option<Arc<BundleWatch>>,
    ) -> Result<ImportReport, BanyanError> {
        let watch = watch.unwrap_or_else(BundleWatch::new);
        let paths = paths.into_iter().map(PathBuf::from).collect();
        let node = self.node().map_err(|fault| fault.said_in(self.lang))?;
        let imported = node.import_bundles(paths, &watch.watch);
        let imported: Imported = self.unless_closed(imported).await?;
        let files = imported.files.into_iter();
        Ok(ImportReport {
            files: files.map(|file| self.told(file)).collect(),
            report: SyncReport::new(imported.report, self.lang),
        })
    }

    /// Says what a file is, and takes nothing in.
    ///
    /// # Errors
    /// As `import_bundles`.
    #[uniffi::method(default(watch = None))]
    pub async fn inspect_bundle(
        &self,
        path: String,
        watch: Option<Arc<BundleWatch>>,
    ) -> Result<BundleInfo, BanyanError> {
        let watch = watch.unwrap_or_else(BundleWatch::new);
        let node = self.node().map_err(|fault| fault.said_in(self.lang))?;
        let inspected = node.inspect_bundle(path.into(), &watch.watch);
        let inspected: Inspected = self.unless_closed(inspected).await?;
        let trouble = inspected.broken();
        let trouble = trouble.map(|error| Fault::from(error).sentence(self.lang));
        self.call(move |replica, _| Ok(info(replica, &inspected, trouble)))
            .await
    }
}

impl Community {
    async fn unless_closed<T>(
        &self,
        work: impl Future<Output = Result<T, BundleFileError>>,
    ) -> Result<T, BanyanError> {
        let done = tokio::select! {
            biased;
            () = told_to_close(self.is_closing.subscribe()) => Err(Fault::closed()),
            done = work => done.map_err(Fault::from),
        };
        done.map_err(|fault| fault.said_in(self.lang))
    }

    fn told(&self, file: bundle::ImportedFile) -> ImportedFile {
        let trouble = file.trouble().map(Fault::from);
        let brought = file.brought;
        ImportedFile {
            path: shown(&file.path),
            sender: file.from,
            at_ms: brought.manifest.at,
            part: brought.manifest.part,
            parts: brought.manifest.parts,
            missing: brought.missing,
            received: brought.tally.received,
            known: brought.known,
            waiting: brought.waiting,
            for_others: brought.for_others,
            attachments: brought.blobs,
            trouble: trouble.map(|fault| fault.sentence(self.lang)),
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn info(replica: &Replica, found: &Inspected, trouble: Option<String>) -> BundleInfo {
    let inside = found.inside.as_ref();
    let manifest = inside.map(|inside| &inside.manifest);
    let spaces = found.spaces(replica).into_iter();
    BundleInfo {
        community: found.community.to_string(),
        bytes: found.bytes,
        is_open: manifest.is_some(),
        sender: manifest.map(|it| bundle::sender(replica, &it.device)),
        at_ms: manifest.map(|it| it.at),
        part: manifest.map_or(0, |it| it.part),
        parts: manifest.map_or(0, |it| it.parts),
        is_partial: manifest.is_some_and(|it| it.is_partial),
        entries: found.entries(),
        attachments: inside.map_or(0, |inside| inside.blobs.len() as u64),
        spaces: spaces
            .map(|space| SpaceInBundle {
                name: space.name,
                entries: space.entries,
                is_mine: space.is_ours,
            })
            .collect(),
        trouble,
    }
}

impl From<BundleFileError> for Fault {
    fn from(error: BundleFileError) -> Self {
        let invalid = |key: &str| Self::new(Class::Invalid, key);
        let not_found = |key: &str| Self::new(Class::NotFound, key);
        match error {
            BundleFileError::Bad { error, .. } => invalid(bad(error)),
            BundleFileError::Broken { error, .. } => invalid(broken(error)),
            BundleFileError::Waiting {
                entries,
                missing,
                parts,
                ..
            } => {
                let key = if missing.is_empty() {
                    "err.bundle.builds_on"
                } else {
                    "err.bundle.parts_missing"
                };
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                invalid(key)
                    .with("n", entries)
                    .with("parts", missing.join(", "))
                    .with("all", parts)
            }
            BundleFileError::NoWord(_) => invalid("err.bundle.no_word"),
            BundleFileError::NoDevice(_) => not_found("err.bundle.no_device"),
            BundleFileError::NothingKnown(_) => not_found("err.bundle.nothing_known"),
            BundleFileError::File(error) => error.into(),
            BundleFileError::Bundle(error) => error.into(),
            BundleFileError::Replica(error) => error.into(),
            BundleFileError::Stopped => Self::new(Class::Offline, "err.bundle.stopped"),
            BundleFileError::Node(error) => error.into(),
        }
    }
}

/// Why nothing of a file can be used.
fn bad(error: BadBundle) -> &'static str {
    match error {
        BadBundle::NotABundle => "err.bundle.not_a_bundle",
        BadBundle::Newer => "err.bundle.newer",
        BadBundle::OtherCommunity(_) => "err.bundle.other_community",
        BadBundle::NotForUs => "err.bundle.not_for_us",
        BadBundle::Truncated | BadBundle::Damaged | BadBundle::Io(_) => "err.bundle.damaged",
    }
}

/// Why a file that opens could not be read to its end.
fn broken(error: BadBundle) -> &'static str {
    match error {
        BadBundle::Truncated | BadBundle::Io(_) => "err.bundle.cut_short",
        BadBundle::NotABundle
        | BadBundle::Newer
        | BadBundle::OtherCommunity(_)
        | BadBundle::NotForUs
        | BadBundle::Damaged => "err.bundle.changed",
    }
}

impl From<BundleError> for Fault {
    fn from(error: BundleError) -> Self {
        let invalid = |key: &str| Self::new(Class::Invalid, key);
        match error {
            BundleError::NobodyYet => Self::new(Class::NotAllowed, "err.bundle.nobody_yet"),
            BundleError::NotADevice(_) => Self::new(Class::NotFound, "err.bundle.no_device"),
            BundleError::Write(WriteBundleError::TooManyReaders) => {
                invalid("err.bundle.too_many_readers")
            }
            BundleError::Write(WriteBundleError::TooManyParts | WriteBundleError::TooSmall) => {
                invalid("err.bundle.too_small")
            }
            BundleError::Write(WriteBundleError::Seal(error)) => Self::internal(error),
            BundleError::Replica(error) => error.into(),
        }
    }
}

impl From<FileError> for Fault {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's enum grows")]
    fn from(error: FileError) -> Self {
        match error {
            FileError::Exists(_) => Self::new(Class::Invalid, "err.file.exists"),
            FileError::Io { error, .. } => match error.kind() {
                ErrorKind::StorageFull => Self::new(Class::Storage, "err.disk_full"),
                ErrorKind::NotFound => Self::new(Class::NotFound, "err.file.missing"),
                // What the system says has no path in it.
                _ => Self::new(Class::Storage, "err.file.io").with("reason", error),
            },
        }
    }
}
