//! What people type into fields, and the schema that says what they may.

use sync_core::id::{ActorId, Millis};
use sync_core::record::{BeginRule, Candidate, EditError, RecordDoc, Verdict};
use sync_core::schema::{Field, FieldEdit, FieldType, Kind, Schema, SchemaAddition, Value};

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
        if let Some(value) = edit.value.value() {
            let again = kind.parse_edit(&edit.field, &value.to_string());
            assert_eq!(again.as_ref(), Ok(edit), "a value has one form");
        }
    }
    if kind.check_complete(&edits).is_ok() {
        assert_written(kind, &edits);
    }
}

/// What a form takes, a record takes, everybody else's gate lets through, and everybody sees.
fn assert_written(kind: &Kind, edits: &[FieldEdit]) {
    let signer = ActorId::new([1; 16]);
    let mut ours = RecordDoc::new();
    let change = match ours.edit(signer, Millis(0), kind, edits) {
        Err(EditError::TooLarge | EditError::NoSuchItem { .. }) => return,
        change => change.expect("the form has checked it"),
    };
    let chunk = change.expect("a complete record has something").chunk;
    let begin = BeginRule::Begin;
    let mut theirs = RecordDoc::new();
    let verdicts = theirs.apply(&[Candidate {
        signer,
        begin,
        chunk,
    }]);
    assert_eq!(verdicts, [Verdict::Merged]);
    let fields = theirs.fields(kind);
    assert_eq!(fields, ours.fields(kind));
    for state in &fields {
        assert!(state.others.is_empty(), "one author is of one mind");
        let ty = kind.field(&state.name).map(Field::ty);
        let ty = ty.expect("the form knows the field");
        match &state.winner {
            Value::Set(_) => assert!(ty.is_set()),
            Value::List(_) => assert_eq!(*ty, FieldType::List),
            Value::Text(_) | Value::Number(_) | Value::Flag(_) => {
                assert!(!ty.is_set() && *ty != FieldType::List);
            }
        }
        assert!(!state.winner.to_json().is_null());
    }
    // What a form shows it takes again, and that is no change.
    let again: Vec<FieldEdit> = fields
        .into_iter()
        .map(|state| FieldEdit::set(&state.name, state.winner))
        .collect();
    assert_eq!(ours.edit(signer, Millis(0), kind, &again), Ok(None));
}

/// What a community lays over the schema, in either order of two.
pub(super) fn addition(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let station = Schema::station();
    let parts: Vec<SchemaAddition> = text
        .split('\0')
        .take(2)
        .filter_map(|part| SchemaAddition::parse(part).ok())
        .filter(|addition| station.with(addition).is_ok())
        .collect();
    let lay = |parts: &mut dyn Iterator<Item = &SchemaAddition>| {
        parts.fold(station.clone(), |schema, addition| {
            schema.with(addition).expect("it was sound by itself")
        })
    };
    let schema = lay(&mut parts.iter());
    assert_eq!(schema, lay(&mut parts.iter().rev()));
    for kind in station.kinds() {
        let kept = schema.kind(kind.name()).expect("no kind is taken away");
        assert_eq!(kept.states().len(), kind.states().len());
        for field in kind.fields() {
            let after = kept.field(field.name()).expect("no field is taken away");
            assert!(after.personal() || !field.personal());
        }
    }
}

/// A schema as JSON.
pub(super) fn schema(input: &[u8]) {
    let Ok(schema) = Schema::parse(&String::from_utf8_lossy(input)) else {
        return;
    };
    assert!(schema.version() > 0);
    assert_eq!(Schema::parse(&schema.to_json()).as_ref(), Ok(&schema));
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
    use super::{FieldType, Schema};

    const WORDS: [&str; 20] = [
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
        "1小时30分",
        "2026-03-01 14:30",
        "23.02149, 113.12051",
        "aaaqeayeaudaocajbifqydiob4",
        "elder_alone、chronic",
        "[x] 茶水\n座位",
        "draft",
        "k7mq2xab",
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
            // What is added and taken away, one step after the other.
            let many = kind
                .fields()
                .iter()
                .filter(|field| field.ty().is_set() || *field.ty() == FieldType::List);
            let steps = many.flat_map(|field| {
                let name = field.name();
                let word = fits(&format!("{name}+"));
                [
                    format!("{name}+={word}"),
                    format!("{name}-={word}"),
                    format!("{name}+={word}"),
                ]
            });
            let steps: Vec<String> = fields
                .iter()
                .filter(|line| {
                    let name = line.split('=').next().unwrap_or_default();
                    kind.field(name)
                        .is_some_and(|field| field.required() && !field.ty().is_set())
                })
                .cloned()
                .chain(steps)
                .collect();
            all.push([&[number], steps.join("\0").as_bytes()].concat());
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

    const HOUSE: &str = r#"{"id":"danzao","version":3,"kinds":[{"name":"visit","labels":{"zh":"探访"},"fields":[{"name":"mood","hidden":true},{"name":"dialect","type":"choice","labels":{"zh":"方言","en":"Dialect"},"choices":[{"value":"yue","labels":{"zh":"粤语","en":"Cantonese"}}]}]},{"name":"garden","labels":{"zh":"菜园","en":"Garden"},"title":"name","create":"volunteer","edit":{"any":{"least":"lead"}},"fields":[{"name":"name","type":"line","required":true,"labels":{"zh":"名","en":"Name"}}]}]}"#;
    const OTHER: &str = r#"{"id":"town","version":3,"new_part":1,"kinds":[{"name":"visit","fields":[{"name":"dialect","type":"line","labels":{"zh":"方言","en":"Dialect"}},{"name":"voice","type":"recording","labels":{"zh":"录音","en":"Voice"}}]}]}"#;
    const BAD: &str = r#"{"id":"thief","version":1,"kinds":[{"name":"hours","states":[{"value":"confirmed","who":{"any":{"least":"volunteer"}}}]}]}"#;

    pub(in crate::fuzz) fn addition() -> Vec<Vec<u8>> {
        let both = format!("{HOUSE}\0{OTHER}");
        let texts = [both.as_str(), HOUSE, OTHER, BAD, "{}"];
        texts.map(|text| text.as_bytes().to_vec()).into()
    }
}
