//! Bundles while a node is at work: watched, and stopped at any time.

use std::future::Future;
use std::path::PathBuf;

use tokio::sync::watch;

use super::{
    BundleFileError, BundleProgress, Export, ExportAsk, Exported, Import, Imported, Inspected,
    Inspection,
};
use crate::node::{Node, NodeError};

/// Looks after one bundle on its way: how far it is, and that it stops. It can be used once.
#[derive(Debug)]
pub struct BundleWatch {
    progress: watch::Sender<BundleProgress>,
    is_stopped: watch::Sender<bool>,
    is_ended: watch::Sender<bool>,
}

impl Default for BundleWatch {
    fn default() -> Self {
        Self {
            progress: watch::Sender::default(),
            is_stopped: watch::Sender::new(false),
            is_ended: watch::Sender::new(false),
        }
    }
}

impl BundleWatch {
    /// Stops what it watches, or what it will watch. Whoever waits for it hears so at once; a step that is in
    /// hand, of some 40 milliseconds, still ends.
    pub fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> BundleProgress {
        *self.progress.borrow()
    }

    /// Tells whenever it has come further.
    #[must_use]
    pub fn moves(&self) -> watch::Receiver<BundleProgress> {
        self.progress.subscribe()
    }

    /// Tells when what it watches has ended, well or not.
    #[must_use]
    pub fn ends(&self) -> watch::Receiver<bool> {
        self.is_ended.subscribe()
    }

    fn tell(&self, progress: BundleProgress) {
        self.progress.send_if_modified(|told| {
            let is_news = *told != progress;
            *told = progress;
            is_news
        });
    }

    async fn until_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, BundleFileError>>,
    ) -> Result<T, BundleFileError> {
        let _end = End(self);
        let mut stops = self.is_stopped.subscribe();
        tokio::select! {
            biased;
            _ = stops.wait_for(|is_stopped| *is_stopped) => Err(BundleFileError::Stopped),
            done = work => done,
        }
    }
}

/// However it ends, and if nobody waits for it any more.
struct End<'w>(&'w BundleWatch);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.is_ended.send_replace(true);
    }
}

impl Node {
    /// Writes what the replica has into files. Who stops waiting stops it: then there is no file, unless all
    /// were being put in their places already.
    ///
    /// # Errors
    /// [`BundleFileError`].
    pub async fn export_bundle(
        &self,
        ask: ExportAsk,
        watch: &BundleWatch,
    ) -> Result<Exported, BundleFileError> {
        let work = async {
            let begun = self.call(move |replica, moment| Export::begin(replica, &ask, moment));
            let mut export = begun.await??;
            loop {
                let read = self.call(move |replica, moment| {
                    let done = export.read(replica, moment);
                    done.map(|()| export)
                });
                export = read.await??;
                let written = self.away(move || export.write().map(|is_more| (export, is_more)));
                let (written, is_more) = written.await??;
                export = written;
                watch.tell(export.progress());
                if !is_more {
                    let exported = export.into_exported();
                    return exported.ok_or(BundleFileError::Stopped);
                }
            }
        };
        watch.until_stopped(work).await
    }

    /// Takes in what files bring. Who stops waiting stops it; what was taken in stays, and the rest comes when
    /// the files are imported again.
    ///
    /// # Errors
    /// [`BundleFileError`].
    pub async fn import_bundles(
        &self,
        paths: Vec<PathBuf>,
        watch: &BundleWatch,
    ) -> Result<Imported, BundleFileError> {
        let work = async {
            let begun = self.call(move |replica, _| Import::begin(replica, &paths));
            let mut import = begun.await??;
            loop {
                let step = self.call(move |replica, moment| {
                    let done = import.step(replica, moment);
                    done.map(|is_more| (import, is_more))
                });
                let (stepped, is_more) = step.await??;
                import = stepped;
                watch.tell(import.progress());
                if !is_more {
                    let imported = self.call(move |replica, _| import.finish(replica));
                    return Ok(imported.await?);
                }
            }
        };
        watch.until_stopped(work).await
    }

    /// Says what a file is, and changes nothing. Who stops waiting stops it.
    ///
    /// # Errors
    /// [`BundleFileError`].
    pub async fn inspect_bundle(
        &self,
        path: PathBuf,
        watch: &BundleWatch,
    ) -> Result<Inspected, BundleFileError> {
        let work = async {
            let begun = self.call(move |replica, _| Inspection::begin(Some(replica), &path));
            let mut inspection = begun.await??;
            loop {
                let step = self.away(move || {
                    let is_more = inspection.step();
                    (inspection, is_more)
                });
                let (stepped, is_more) = step.await?;
                inspection = stepped;
                watch.tell(inspection.progress());
                if !is_more {
                    return Ok(inspection.finish());
                }
            }
        };
        watch.until_stopped(work).await
    }

    /// Does something slow where it holds up nobody.
    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NodeError> {
        let done = self.runtime().spawn_blocking(work).await;
        done.map_err(|_| NodeError::Stopped)
    }
}
