//! Bundles in files while a node is at work: whole or not there, stopped at any time, begun again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use sync_core::id::Millis;
use sync_core::peer::moment;
use sync_core::roster::role::{Role, Scope};
use sync_node::bundle::{BundleFileError, BundleWatch, ExportAsk, Exported, Imported};
use sync_node::draft::FileError;
use sync_node::{Home, Node};
use tempfile::TempDir;
use tokio::runtime::Handle;

const NEEDS: u32 = 700;

/// A station with some work, and somebody with a ticket who has not met it.
fn station_and_joiner(folder: &TempDir) -> (Node, Node) {
    let home = Home::at(&folder.path().join("station"));
    let (founding, keys) = home.found("丹灶镇", "李芳", &[]).unwrap();
    let mut station = founding.replica;
    let mut rng = rand::rng();
    let moment = &mut moment(Millis(1_780_000_000_000), &mut rng);
    let ticket = station.invite(Scope::Community, Role::Volunteer, 1, moment);
    let ticket = ticket.unwrap();
    let commons = station.find_space("commons").unwrap();
    let kind = station.schema().kind("need").unwrap().clone();
    for n in 0..NEEDS {
        let fields = [
            format!("title=路灯{n}"),
            "category=roads".into(),
            "urgency=low".into(),
        ];
        let fields = kind.parse_assignments(&fields).unwrap();
        station.create("need", commons, &fields, moment).unwrap();
    }
    let station = Node::start(station, keys, Handle::current());
    let home = Home::at(&folder.path().join("joiner"));
    let (joiner, keys) = home.join(&ticket, "陈明").unwrap();
    (station, Node::start(joiner, keys, Handle::current()))
}

fn ask(path: &Path) -> ExportAsk {
    ExportAsk {
        path: path.to_owned(),
        ..ExportAsk::default()
    }
}

async fn export(node: &Node, ask: ExportAsk) -> Result<Exported, BundleFileError> {
    node.export_bundle(ask, &BundleWatch::default()).await
}

async fn import(node: &Node, paths: Vec<PathBuf>) -> Result<Imported, BundleFileError> {
    node.import_bundles(paths, &BundleWatch::default()).await
}

async fn records(node: &Node) -> u64 {
    let status = node.call(|replica, _| replica.status()).await.unwrap();
    let records = status.unwrap().records;
    records.iter().map(|(_, _, count)| count).sum()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap();
    files.map(|entry| entry.unwrap().path()).collect()
}

/// Stops it as soon as it has moved.
async fn stop_when_moved(watch: &BundleWatch) {
    watch.moves().changed().await.unwrap();
    watch.stop();
}

#[tokio::test]
async fn stopped_import_keeps_what_came_and_the_next_one_brings_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (station, joiner) = station_and_joiner(&folder);
    let path = folder.path().join("week.banyan");
    let exported = export(&station, ask(&path)).await.unwrap();
    assert_eq!(exported.files.as_slice(), std::slice::from_ref(&path));
    assert_eq!(exported.bytes, path.metadata().unwrap().len());

    let watch = BundleWatch::default();
    let mut before = 0;
    // The first to move is the list of members.
    while before == 0 {
        let watch = BundleWatch::default();
        let importing = joiner.import_bundles(vec![path.clone()], &watch);
        let (imported, ()) = tokio::join!(importing, stop_when_moved(&watch));
        assert!(matches!(imported, Err(BundleFileError::Stopped)));
        let come = records(&joiner).await;
        assert!(come < u64::from(NEEDS), "{come}");
        before = come;
    }
    let imported = joiner.import_bundles(vec![path], &watch).await.unwrap();
    assert!(imported.files.iter().all(|file| file.trouble().is_none()));
    assert_eq!(records(&joiner).await, u64::from(NEEDS));
    assert!(*watch.ends().borrow());
    let progress = watch.progress();
    assert_eq!(
        (progress.done, progress.all),
        (exported.bytes, exported.bytes)
    );
}

#[tokio::test]
async fn stopped_export_leaves_no_file_and_one_that_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (station, joiner) = station_and_joiner(&folder);
    let out = folder.path().join("stick");
    fs::create_dir(&out).unwrap();
    let path = out.join("week.banyan");
    let watch = BundleWatch::default();
    let exporting = station.export_bundle(ask(&path), &watch);
    let (exported, ()) = tokio::join!(exporting, stop_when_moved(&watch));
    assert!(matches!(exported, Err(BundleFileError::Stopped)));
    // What was in hand when it was stopped ends before what is asked for after it.
    station.stop().await;
    assert!(!path.exists());

    fs::write(&path, "something else").unwrap();
    let refused = import(&joiner, vec![path.clone()]).await;
    assert!(matches!(refused, Err(BundleFileError::Bad { .. })));
    let home = Home::at(&folder.path().join("station"));
    let (replica, keys) = home.open().unwrap();
    let station = Node::start(replica, keys, Handle::current());
    let there = export(&station, ask(&path)).await;
    assert!(matches!(
        there,
        Err(BundleFileError::File(FileError::Exists(_)))
    ));
    assert_eq!(fs::read(&path).unwrap(), b"something else");
    let may_replace = ExportAsk {
        may_replace: true,
        ..ask(&path)
    };
    export(&station, may_replace).await.unwrap();
    assert_eq!(files(&out), [path]);
}

#[tokio::test]
async fn export_of_several_files_is_all_of_them_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (station, joiner) = station_and_joiner(&folder);
    let long = station
        .call(|replica, moment| {
            let commons = replica.find_space("commons").unwrap();
            let kind = replica.schema().kind("need").unwrap().clone();
            for n in 0..60_u32 {
                let letters = (0..9_000_u32).map(|at| 0x4e00 + (at * 7_919 + n * 104_729) % 20_000);
                let body: String = letters.filter_map(char::from_u32).collect();
                let fields = [
                    format!("title=长{n}"),
                    "category=roads".into(),
                    "urgency=low".into(),
                    format!("body={body}"),
                ];
                let fields = kind.parse_assignments(&fields).unwrap();
                replica.create("need", commons, &fields, moment).unwrap();
            }
        })
        .await;
    long.unwrap();
    let out = folder.path().join("stick");
    fs::create_dir(&out).unwrap();
    // The place of the second file is taken.
    let named = out.join("week.banyan");
    let several = ExportAsk {
        bytes_max: Some(1_000_000),
        ..ask(&named)
    };
    let exported = export(&station, several.clone()).await.unwrap().files;
    assert!(exported.len() >= 2, "{exported:?}");
    fs::remove_file(exported.first().unwrap()).unwrap();
    assert!(export(&station, several.clone()).await.is_err());
    assert_eq!(files(&out).len(), exported.len() - 1);
    let may_replace = ExportAsk {
        may_replace: true,
        ..several
    };
    export(&station, may_replace).await.unwrap();
    assert_eq!(files(&out).len(), exported.len());
    let backwards = exported.into_iter().rev().collect();
    import(&joiner, backwards).await.unwrap();
    assert_eq!(records(&joiner).await, u64::from(NEEDS + 60));
}
