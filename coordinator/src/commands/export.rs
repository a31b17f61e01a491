//! `banyan export`: records as files for other programs.

use std::path::{Path, PathBuf};

use serde_json::json;
use sync_core::peer::moment;

use super::App;
use crate::cli::{ExportArgs, ExportFormat};
use crate::exchange::export::{
    About, Gathered, Names, Request, csv_of_one, csv_zip_of, gather, map_of, workbook_of,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{durable, place, values};

/// A file to be written.
struct Made {
    path: PathBuf,
    bytes: Vec<u8>,
}

pub(super) fn run(app: &mut App, args: &ExportArgs) -> Result<(), Failure> {
    let Some(format) = args.format else {
        return roster(app, args);
    };
    let replica = app.replica()?;
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    let kind = args.kind.as_deref();
    let kind = kind.map(|typed| values::kind(replica.schema(), typed));
    let request = Request {
        kind: kind.transpose()?,
        space: space.transpose()?,
        personal: args.personal,
    };
    let mut gathered = gather(&replica, request, place::now(), &app.text)?;
    if gathered.kinds.is_empty() {
        return Err(Failure::new(Exit::Unknown, "err.export.nothing"));
    }
    let names = Names::new(&replica, &app.text, args.personal);
    let files = files(args, format, &mut gathered, names)?;
    for file in &files {
        durable::refuse_existing(&file.path, args.force)?;
    }
    for file in &files {
        durable::write(&file.path, &file.bytes, args.force)?;
    }
    tell(app, &gathered.about, &files)
}

/// Who belongs, for those who check certificates.
fn roster(app: &mut App, args: &ExportArgs) -> Result<(), Failure> {
    let named = args.out.clone();
    let path = named.unwrap_or_else(|| PathBuf::from("banyan-roster.bin"));
    durable::refuse_existing(&path, args.force)?;
    let mut replica = app.replica()?;
    let mut rng = rand::rng();
    let bytes = replica.export_roster(&mut moment(place::now(), &mut rng))?;
    durable::write(&path, &bytes, args.force)?;
    let path = path.display().to_string();
    if app.is_json {
        return app.out.json(&json!({ "files": [path] }));
    }
    app.say("out.export.roster", &[("path", &path)])
}

fn files(
    args: &ExportArgs,
    format: ExportFormat,
    gathered: &mut Gathered<'_>,
    names: Names<'_>,
) -> Result<Vec<Made>, Failure> {
    let Gathered { about, kinds } = gathered;
    let what = match (&args.kind, kinds.as_slice()) {
        (Some(_), [only]) => only.kind.name(),
        (Some(_) | None, _) => "records",
    };
    let path = |ending: &str| {
        let named = args.out.clone();
        named.unwrap_or_else(|| PathBuf::from(format!("banyan-{what}.{ending}")))
    };
    Ok(match (format, kinds.as_slice()) {
        (ExportFormat::Xlsx, kinds) => vec![Made {
            bytes: workbook_of(kinds, about, names)?,
            path: path("xlsx"),
        }],
        (ExportFormat::Geojson, kinds) => vec![Made {
            bytes: map_of(kinds, about, names)?,
            path: path("geojson"),
        }],
        (ExportFormat::Csv, [only]) => {
            let table = path("csv");
            let beside = Made {
                bytes: about.as_text().into_bytes(),
                path: about_path(&table),
            };
            let bytes = csv_of_one(only, names)?;
            vec![Made { path: table, bytes }, beside]
        }
        (ExportFormat::Csv, kinds) => {
            let path = path("zip");
            let is_zip = path
                .extension()
                .is_some_and(|it| it.eq_ignore_ascii_case("zip"));
            if !is_zip {
                return Err(Failure::new(Exit::Usage, "err.export.several"));
            }
            let bytes = csv_zip_of(kinds, about, names)?;
            vec![Made { path, bytes }]
        }
    })
}

/// `visits.csv` is explained in `visits-about.txt`.
fn about_path(table: &Path) -> PathBuf {
    let stem = table.file_stem().unwrap_or_default().to_string_lossy();
    table.with_file_name(format!("{stem}-about.txt"))
}

fn tell(app: &mut App, about: &About, files: &[Made]) -> Result<(), Failure> {
    let paths: Vec<String> = files
        .iter()
        .map(|file| file.path.display().to_string())
        .collect();
    if app.is_json {
        return app
            .out
            .json(&json!({ "files": paths, "about": about.as_json() }));
    }
    let records = app.text.count("out.export.records", about.records());
    let files = paths.join(&app.text.say("word.and"));
    app.say(
        "out.export.done",
        &[("records", &records), ("files", &files)],
    )?;
    if about.fields_left_out() > 0 {
        let fields = app.text.count("out.export.fields", about.fields_left_out());
        app.say("out.export.without", &[("fields", &fields)])?;
    }
    if about.withdrawn() > 0 {
        let records = app.text.count("out.export.records", about.withdrawn());
        app.say("out.export.without_withdrawn", &[("records", &records)])?;
    }
    if about.without_place() > 0 {
        let records = app.text.count("out.export.records", about.without_place());
        app.say("out.export.not_on_map", &[("records", &records)])?;
    }
    let notice = about.notice(&app.text);
    app.out.line(&notice)
}
