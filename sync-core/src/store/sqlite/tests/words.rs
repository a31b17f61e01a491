//! The index of words: what is typed, what is damaged, and what must be gone.

use super::*;

/// A row whose words lie in the file once: in the index of words.
fn put_secret(store: &mut SqliteStore, record: RecordId, word: &str) {
    let row = ViewRow {
        record,
        ..shown(1, "task", HERE)
    };
    let words = [word.to_owned(), "shared".to_owned()].into();
    let mut tx = store.begin().unwrap();
    tx.put_row(
        &row,
        &RowIndex {
            words,
            ..RowIndex::default()
        },
    )
    .unwrap();
    tx.commit().unwrap();
}

fn has_bytes(folder: &Folder, word: &str) -> bool {
    ["store", "store-wal"].iter().any(|name| {
        let bytes = fs::read(folder.path(name)).unwrap_or_default();
        bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    })
}

#[test]
fn words_of_removed_and_changed_rows_leave_no_trace_in_the_file() {
    let folder = Folder::new();
    let mut store = folder.open("store");
    fill(&mut store, 8);
    put_secret(&mut store, record(200), "quilted");
    put_secret(&mut store, record(201), "zeppelin");
    put_secret(&mut store, record(202), "marmalade");
    for word in ["quilted", "zeppelin", "marmalade"] {
        assert!(has_bytes(&folder, word), "{word}");
    }
    let mut tx = store.begin().unwrap();
    tx.remove_record(&record(200)).unwrap();
    tx.commit().unwrap();
    put_secret(&mut store, record(201), "another");
    store.scrub().unwrap();
    for gone in ["quilted", "zeppelin"] {
        assert!(!has_bytes(&folder, gone), "{gone}");
    }
    assert!(has_bytes(&folder, "marmalade"));
    let found = |store: &SqliteStore, typed: &str| {
        let search = Some(typed.to_owned());
        store
            .count_rows(&RowFilter {
                search,
                ..RowFilter::default()
            })
            .unwrap()
    };
    assert_eq!((found(&store, "shared"), found(&store, "zepp")), (2, 0));
    // All that is left of one record alone, without others whose words move.
    let mut tx = store.begin().unwrap();
    tx.clear_records().unwrap();
    tx.commit().unwrap();
    store.scrub().unwrap();
    assert!(!has_bytes(&folder, "marmalade") && !has_bytes(&folder, "shared"));
    put_secret(&mut store, record(1), "quilted");
    let mut tx = store.begin().unwrap();
    tx.clear().unwrap();
    tx.commit().unwrap();
    store.scrub().unwrap();
    assert!(!has_bytes(&folder, "quilted"));
    assert_eq!(found(&store, "quilted"), 0);
    store.check().unwrap();
}

#[test]
fn last_words_that_are_removed_leave_no_trace_either() {
    let folder = Folder::new();
    let mut store = folder.open("store");
    put_secret(&mut store, record(200), "quilted");
    store.scrub().unwrap();
    let mut tx = store.begin().unwrap();
    tx.remove_record(&record(200)).unwrap();
    tx.commit().unwrap();
    store.scrub().unwrap();
    assert!(!has_bytes(&folder, "quilted"));
    store.check().unwrap();
}

#[test]
fn damaged_index_of_words_is_found_by_the_check() {
    let folder = Folder::new();
    let mut store = folder.open("store");
    fill(&mut store, 8);
    store.check().unwrap();
    let sql = "UPDATE words_data SET block = zeroblob(length(block)) \
               WHERE id = (SELECT max(id) FROM words_data)";
    assert_eq!(store.conn.execute(sql, []).unwrap(), 1);
    drop(store);
    let found = folder.open("store").check().unwrap_err();
    assert_damage(&found, 0);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, ..Default::default() })]
    #[test]
    fn nothing_that_is_typed_is_an_instruction(
        typed in proptest::prop_oneof![".{0,40}", "[a-z王芳 \"'*()^:+{}-]{0,20}", "(NEAR|OR|AND|NOT|said|\"| |\\*|\\(|w|王){0,8}"],
    ) {
        let folder = Folder::new();
        let (mut sqlite, mut memory) = (folder.open("store"), MemoryStore::new());
        fill(&mut sqlite, 5);
        fill(&mut memory, 5);
        let filter = RowFilter { search: Some(typed), ..RowFilter::default() };
        proptest::prop_assert_eq!(sqlite.rows(&filter), memory.rows(&filter));
        proptest::prop_assert_eq!(sqlite.count_rows(&filter), memory.count_rows(&filter));
    }
}
