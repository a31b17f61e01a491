//! `banyan bundle export`: what this device has, in one file or several.

use std::path::PathBuf;

use serde_json::json;
use sync_core::peer::moment;
use sync_core::replica::BundleBlobs;
use sync_node::bundle::{Export, ExportAsk, Exported};

use super::super::App;
use super::super::report::bytes;
use crate::cli::{Along, BundleExportArgs};
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::place;

const NAME: &str = "banyan-bundle.banyan";

pub(super) fn run(app: &mut App, args: &BundleExportArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let ask = ExportAsk {
        path: args.out.clone().unwrap_or_else(|| PathBuf::from(NAME)),
        reader: args.reader.clone(),
        since: args.since.clone(),
        bytes_max: args.max_size,
        may_replace: args.force,
        blobs: match args.attachments {
            Along::All => BundleBlobs::All,
            Along::Previews => BundleBlobs::Previews,
            Along::None => BundleBlobs::None,
        },
    };
    let mut rng = rand::rng();
    let mut export = Export::begin(&mut replica, &ask, &mut moment(place::now(), &mut rng))?;
    let mut progress = Progress::new();
    loop {
        export.read(&replica, &mut moment(place::now(), &mut rng))?;
        if !export.write()? {
            break;
        }
        let come = export.progress();
        let (done, all) = (thousands(come.done), thousands(come.all));
        let places = [("done", done.as_str()), ("all", all.as_str())];
        progress.show(|| app.text.with("out.bundle.writing", &places));
    }
    drop(progress);
    match export.into_exported() {
        Some(exported) => tell(app, &exported),
        None => Ok(()),
    }
}

fn tell(app: &mut App, exported: &Exported) -> Result<(), Failure> {
    let Exported {
        files,
        totals,
        bytes: size,
        blobs,
    } = exported;
    let names: Vec<String> = files.iter().map(|it| it.display().to_string()).collect();
    if app.is_json {
        return app.out.json(&json!({
            "files": names, "entries": totals.entries, "batches": totals.batches, "bytes": size,
            "attachments": blobs,
        }));
    }
    let entries = app.text.count("out.bundle.entries", totals.entries);
    let named = names.join(&app.text.say("word.and"));
    let places = [
        ("entries", entries.as_str()),
        ("files", &named),
        ("size", &bytes(*size)),
    ];
    app.say("out.bundle.written", &places)?;
    if *blobs > 0 {
        let line = app.text.count("out.bundle.attachments", *blobs);
        app.out.line(&line)?;
    }
    if names.len() > 1 {
        app.say("out.bundle.several", &[])?;
    }
    app.say("out.bundle.sealed", &[])
}
