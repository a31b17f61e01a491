//! What people type into fields, and the schema that says what they may.

use sync_core::id::{ActorId, Millis};
use sync_core::record::{BeginRule, Candidate, EditError, RecordDoc, Verdict};
use sync_core::schema::{Kind, Schema};

use super::Input;

/// `name=value` in each line but the ends of lines inside of values, for one of the kinds.
pub(super) fn assignments(input: &[u8]) {
    let mut input = Input(input);
    let kinds: Vec<&Kind> = Schema::station().kinds().iter().collect();
    let Some(kind) = input.pick(&kinds) else {
        return;
    };
    let text = String::from_utf8_lossy(input.0);
    let args: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let Ok(edits) = kind.parse_assignments(&args) else {
        return;
    };
    for edit in &edits {
        let again = kind.parse_edit(&edit.field, &edit.value.to_string());
        assert_eq!(again.as_ref(), Ok(edit), "a value has one form");
    }
    if kind.check_complete(&edits).is_ok() {
        assert_written(kind, &edits);
    }
}

/// What a form takes, a record takes, and everybody else's gate lets through.
fn assert_written(kind: &Kind, edits: &[sync_core::schema::FieldEdit]) {
    let signer = ActorId::new([1; 16]);
    let change = match RecordDoc::new().edit(signer, Millis(0), kind, edits) {
        Err(EditError::TooLarge) => return,
        change => change.expect("the form has checked it"),
    };
    let chunk = change.expect("a complete record has something").chunk;
    let begin = BeginRule::Begin;
    let verdicts = RecordDoc::new().apply(&[Candidate {
        signer,
        begin,
        chunk,
    }]);
    assert_eq!(verdicts, [Verdict::Merged]);
}

/// A schema as JSON.
pub(super) fn schema(input: &[u8]) {
    let Ok(schema) = Schema::parse(&String::from_utf8_lossy(input)) else {
        return;
    };
    assert!(schema.version() > 0);
    assert!(!schema.kinds().is_empty());
    for kind in schema.kinds() {
        assert_eq!(schema.kind(kind.name()), Some(kind));
        assert!(kind.field(kind.title()).is_some());
        for field in kind.fields() {
            assert_eq!(kind.field(field.name()), Some(field));
            drop(kind.parse_edit(field.name(), "1"));
        }
    }
}

pub(super) mod seeds {
    use super::Schema;

    const WORDS: [&str; 12] = [
        "",
        "3号门 王奶奶",
        "2026-03-01",
        "12",
        "-7",
        "yes",
        "否",
        "health",
        "new",
        "housing",
        "a=b",
        "one line\nand another",
    ];

    pub(in crate::fuzz) fn assignments() -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for (number, kind) in (0_u8..).zip(Schema::station().kinds()) {
            let fits = |field: &str| {
                let fits = |word: &&&str| kind.parse_edit(field, word).is_ok();
                WORDS.iter().skip(1).find(fits).copied().unwrap_or_default()
            };
            let fields = kind.fields().iter();
            let fields = fields.map(|field| format!("{}={}", field.name(), fits(field.name())));
            let fields: Vec<String> = fields.collect();
            all.push([&[number], fields.join("\0").as_bytes()].concat());
            let every = WORDS.map(|word| format!("{}={word}", kind.title()));
            all.extend(every.map(|line| [&[number], line.as_bytes()].concat()));
        }
        all
    }

    const SMALL: &str = r#"{"version":1,"kinds":[{"name":"note","labels":{"zh":"记","en":"Note"},"title":"text","create":"volunteer","edit":{"own":{"any":"lead"}},"natural_key":"text","fields":[{"name":"text","labels":{"zh":"文","en":"Text"},"type":"line","required":true}]}]}"#;

    pub(in crate::fuzz) fn schema() -> Vec<Vec<u8>> {
        let station = include_str!("../../../sync-core/src/schema/station.json");
        vec![station.into(), SMALL.into(), "{}".into(), "[[[[".into()]
    }
}
