//! `banyan export`: records as files for other programs.

use std::path::{Path, PathBuf};

use serde_json::json;

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
    let replica = app.replica()?;
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    let request = Request {
        kind: args.kind.as_deref().map(values::kind).transpose()?,
        space: space.transpose()?,
        personal: args.personal,
    };
    let mut gathered = gather(&replica, request, place::now(), &app.text)?;
    if gathered.kinds.is_empty() {
        return Err(Failure::new(Exit::Unknown, "err.export.nothing"));
    }
    let names = Names::new(&replica, &app.text, args.personal);
    let files = files(args, &mut gathered, names)?;
    for file in &files {
        durable::refuse_existing(&file.path, args.force)?;
    }
    for file in &files {
        durable::write(&file.path, &file.bytes, args.force)?;
    }
    tell(app, &gathered.about, &files)
}

fn files(
    args: &ExportArgs,
    gathered: &mut Gathered<'_>,
    names: Names<'_>,
) -> Result<Vec<Made>, Failure> {
    let Gathered { about, kinds } = gathered;
    let path = |ending: &str| {
        let named = args.out.clone();
        named.unwrap_or_else(|| PathBuf::from(default_name(args, ending)))
    };
    Ok(match (args.format, kinds.as_slice()) {
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

/// `banyan-visit.csv`.
fn default_name(args: &ExportArgs, ending: &str) -> String {
    let kind = args
        .kind
        .as_deref()
        .and_then(|kind| values::kind(kind).ok());
    let what = kind.map_or("records", |kind| kind.name());
    format!("banyan-{what}.{ending}")
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
    if about.without_place() > 0 {
        let records = app.text.count("out.export.records", about.without_place());
        app.say("out.export.not_on_map", &[("records", &records)])?;
    }
    let notice = about.notice(&app.text);
    app.out.line(&notice)
}
