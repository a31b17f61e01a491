//! Records and edits, in Chinese and English.

use std::sync::LazyLock;

use rand::RngExt;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::ReplicaError;
use sync_core::schema::{
    Edit, FieldEdit, FieldType, Item, ItemEdit, Kind, Place as ItemPlace, STATE_FIELD, Schema,
    Value,
};
use sync_core::store::RowFilter;

use super::oracle::{Fate, Way, Written, gaps_of, mark};
use super::{Broken, Outcome, World};

/// Notes as volunteers write them, in both languages.
static NOTES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let scale = station::Scale {
        villages: 1,
        volunteers_per_village: 4,
        visits: 30,
        proposals: 20,
        events: 0,
        needs: 10,
    };
    let acts = station::generate(1, &scale).acts.into_iter();
    let fields = acts.flat_map(|act| match act.what {
        station::What::Create { fields, .. } | station::What::Edit { fields } => fields,
    });
    let long = fields.filter(|(name, _)| name == "findings" || name == "body");
    long.map(|(_, text)| text.replace(['⟦', '⟧'], "")).collect()
});

/// Kinds that everybody may write: what they take in is the same.
const DAILY: [&str; 4] = ["visit", "need", "proposal", "event"];

/// One edit: by whom, in which record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) by: usize,
    pub(super) record: RecordId,
    pub(super) space: LaneId,
}

/// The title and the long text of a kind.
fn fields_of(kind: &Kind) -> (&str, &str) {
    let text = kind
        .fields()
        .iter()
        .find(|field| *field.ty() == FieldType::Text);
    (
        kind.title(),
        text.map_or_else(|| kind.title(), sync_core::schema::Field::name),
    )
}

impl World {
    pub(super) fn note(&mut self) -> String {
        let index = self.rng.random_range(0..NOTES.len().max(1));
        let note: &str = NOTES.get(index).map_or("", String::as_str);
        let length = self.rng.random_range(0..40);
        note.chars().take(length).collect()
    }

    pub(super) fn create_somewhere(&mut self) -> Outcome {
        let members = self.members_on();
        match self.pick(&members) {
            Some(by) => self.create_by(by, ""),
            None => Ok(()),
        }
    }

    /// Somebody begins a record in one of all spaces, with more text if there is `more`.
    pub(super) fn create_by(&mut self, by: usize, more: &str) -> Outcome {
        let replica = self.replica(by)?;
        let commons = sync_core::roster::commons(&replica.community());
        let mut spaces = self.spaces.clone();
        spaces.push(commons);
        let Some(space) = self.pick(&spaces) else {
            return Ok(());
        };
        let is_daily = |kind: &&Kind| DAILY.contains(&kind.name());
        let kinds = Schema::station().kinds().iter().filter(is_daily);
        let kinds: Vec<&'static Kind> = kinds.collect();
        let Some(kind) = self.pick(&kinds) else {
            return Ok(());
        };
        self.create(by, space, kind, more)
    }

    fn create(&mut self, by: usize, space: LaneId, kind: &'static Kind, more: &str) -> Outcome {
        let (title, text) = fields_of(kind);
        let (first, second) = (self.oracle.token(), self.oracle.token());
        let mut edits = Vec::new();
        for field in kind.fields().iter().filter(|field| field.required()) {
            if field.name() != title && field.name() != STATE_FIELD {
                edits.extend(self.some(field.ty()).map(|value| FieldEdit {
                    field: field.name().to_owned(),
                    value,
                }));
            }
        }
        let titled = Value::Text(format!("{}{}", mark(&first), self.note()));
        edits.push(FieldEdit {
            field: title.to_owned(),
            value: titled.into(),
        });
        let told = format!("{}{}{}{more}", self.note(), mark(&second), self.note());
        let told = Value::Text(told);
        edits.push(FieldEdit {
            field: text.to_owned(),
            value: told.into(),
        });
        let now = self.now;
        let phone = self.phone(by);
        let made = phone.with(now, |replica, moment| {
            replica.create(kind.name(), space, &edits, moment)
        });
        let Some(made) = made else { return Ok(()) };
        if let Err(ReplicaError::NotAllowed { .. } | ReplicaError::UnknownSpace(_)) = made {
            return Ok(());
        }
        self.tell(format!(
            "  phone {by} creates {first}: {:?}",
            made.as_ref().map(RecordId::short)
        ));
        let record = made.as_ref().ok().copied();
        let fate = self.fate_of(by, made.map(|_| true))?;
        let is_doubtful = self.phone(by).is_doubtful;
        let lives = self.siblings_of(by).len();
        for (token, way) in [(first, Way::Title), (second, Way::Text)] {
            let written = Written {
                token,
                space,
                record,
                by,
                way,
                fate,
                lives,
            };
            self.oracle.note(written, is_doubtful);
        }
        self.after(by)?;
        self.pump(by)
    }

    /// Something that fits; none where it takes an id.
    fn some(&mut self, ty: &FieldType) -> Option<Edit> {
        let choice = {
            let choices = ty.choices();
            let index = self.rng.random_range(0..choices.len().max(1));
            choices.get(index).map(|choice| choice.value().to_owned())
        };
        let value = match ty {
            FieldType::Number | FieldType::Minutes => {
                Value::Number(self.rng.random_range(0..1_000))
            }
            FieldType::Flag => Value::Flag(self.rng.random()),
            FieldType::Date => Value::Text(format!("2026-{:02}-11", self.rng.random_range(1..=12))),
            FieldType::Time => Value::Text("2026-03-11 14:30".to_owned()),
            FieldType::Choice(_) => Value::Text(choice.unwrap_or_default()),
            FieldType::Choices(_) => return Some(Edit::Add(choice.into_iter().collect())),
            FieldType::List => {
                let items = vec![Item::new(&format!("事{}", self.note()))];
                let place = ItemPlace::Last;
                return Some(Edit::Item(ItemEdit::Insert { place, items }));
            }
            FieldType::Line | FieldType::Text => Value::Text(format!("站{}", self.note())),
            FieldType::Blob
            | FieldType::Link(_)
            | FieldType::Links(_)
            | FieldType::Member
            | FieldType::Members
            | FieldType::Other(_)
            | FieldType::Point { .. } => return None,
        };
        Some(value.into())
    }

    /// What a finished edit must leave.
    fn fate_of(&mut self, by: usize, edited: Result<bool, ReplicaError>) -> Outcome<Fate> {
        let has_left = self.replica(by).is_ok_and(|it| it.farewell().is_some());
        let phone = self.phone(by);
        match edited {
            Ok(_) => {
                self.summary.edits += 1;
                Ok(Fate::Sure)
            }
            // The program was killed while it wrote: nobody knows.
            Err(_) if phone.is_dead() => Ok(Fate::Open),
            Err(ReplicaError::Store(_)) if phone.has_faults => Ok(Fate::Never),
            // Whoever sent it away was themselves removed, and it had already begun to leave.
            Err(ReplicaError::Removed) if has_left => Ok(Fate::Never),
            Err(error) => Err(Broken(format!(
                "phone {by} could not write: {error} ({error:?})"
            ))),
        }
    }

    pub(super) fn edit_somewhere(&mut self, edit: fn(&mut Self, Place) -> Outcome) -> Outcome {
        let members = self.members_on();
        let Some(by) = self.pick(&members) else {
            return Ok(());
        };
        match self.place_of(by)? {
            Some(place) => edit(self, place),
            None => Ok(()),
        }
    }

    fn place_of(&mut self, by: usize) -> Outcome<Option<Place>> {
        let rows = self.replica(by)?.list(&RowFilter::default());
        let rows = rows.map_err(|error| Broken(format!("phone {by} could not list: {error}")))?;
        let places: Vec<Place> = rows
            .iter()
            .map(|row| Place {
                by,
                record: row.record,
                space: row.space,
            })
            .collect();
        Ok(self.pick(&places))
    }

    /// Everybody who has a record edits it before anybody hears of it.
    pub(super) fn edit_together(&mut self) -> Outcome {
        let members = self.members_on();
        let Some(first) = self.pick(&members) else {
            return Ok(());
        };
        let Some(place) = self.place_of(first)? else {
            return Ok(());
        };
        for by in members {
            if self.phone(by).is_on() && self.kind_of(by, place.record)?.is_some() {
                let place = Place { by, ..place };
                if self.rng.random() {
                    self.set_title(place)?
                } else {
                    self.type_text(place)?
                }
            }
        }
        Ok(())
    }

    fn kind_of(&self, by: usize, record: RecordId) -> Outcome<Option<&'static Kind>> {
        match self.replica(by)?.show(record) {
            Ok(shown) => Ok(Schema::station().kind(&shown.kind)),
            Err(ReplicaError::UnknownRecord(_)) => Ok(None),
            Err(error) => super::broken!("phone {by} could not show a record: {error}"),
        }
    }

    pub(super) fn set_title(&mut self, place: Place) -> Outcome {
        let Some(kind) = self.kind_of(place.by, place.record)? else {
            return Ok(());
        };
        let token = self.oracle.token();
        let value = Value::Text(format!("{}{}", self.note(), mark(&token)));
        let edits = [FieldEdit {
            field: fields_of(kind).0.to_owned(),
            value: value.into(),
        }];
        self.set(place, &edits, Some(token))
    }

    pub(super) fn set_choice(&mut self, place: Place) -> Outcome {
        let Some(kind) = self.kind_of(place.by, place.record)? else {
            return Ok(());
        };
        let (title, text) = fields_of(kind);
        let others = kind
            .fields()
            .iter()
            .filter(|it| ![title, text, STATE_FIELD].contains(&it.name()));
        let others: Vec<_> = others.collect();
        let Some(field) = self.pick(&others) else {
            return Ok(());
        };
        let Some(value) = self.some(field.ty()) else {
            return Ok(());
        };
        let edit = FieldEdit {
            field: field.name().to_owned(),
            value,
        };
        self.set(place, &[edit], None)
    }

    fn set(&mut self, place: Place, edits: &[FieldEdit], token: Option<String>) -> Outcome {
        let now = self.now;
        let edited = self.phone(place.by).with(now, |replica, moment| {
            replica.edit(place.record, edits, moment)
        });
        let edited = edited.map(|edited| edited.map(|edited| edited.is_changed));
        self.note_edit(place, edited, token.map(|token| (token, Way::Title)))
    }

    fn note_edit(
        &mut self,
        place: Place,
        edited: Option<Result<bool, ReplicaError>>,
        token: Option<(String, Way)>,
    ) -> Outcome {
        let by = place.by;
        let Some(edited) = edited else { return Ok(()) };
        if let Err(ReplicaError::NotAllowed { .. }) = edited {
            return Ok(());
        }
        self.tell(format!(
            "  phone {by} edits {} {token:?} {edited:?}",
            place.record.short()
        ));
        let fate = self.fate_of(by, edited)?;
        let is_doubtful = self.phone(by).is_doubtful;
        let lives = self.siblings_of(by).len();
        if is_doubtful {
            self.oracle.touch(place.record);
        }
        if let Some((token, way)) = token {
            let (space, record) = (place.space, Some(place.record));
            self.oracle.note(
                Written {
                    token,
                    space,
                    record,
                    by,
                    way,
                    fate,
                    lives,
                },
                is_doubtful,
            );
        }
        self.after(by)?;
        self.pump(by)
    }

    /// Types into the long text: puts a token in, or takes something out that is no token.
    pub(super) fn type_text(&mut self, place: Place) -> Outcome {
        let Some(kind) = self.kind_of(place.by, place.record)? else {
            return Ok(());
        };
        let field = fields_of(kind).1;
        let shown = self.replica(place.by)?.show(place.record);
        let shown = shown.map_err(|error| Broken(format!("a record is gone: {error}")))?;
        let text = shown.fields.iter().find(|shown| shown.name == field);
        let text = text
            .and_then(|shown| shown.value.as_str())
            .unwrap_or_default();
        let gaps = gaps_of(text);
        let index = self.rng.random_range(0..gaps.len());
        let position = gaps.get(index).copied().unwrap_or_default();
        let is_plain = gaps.get(index + 1) == Some(&(position + 1));
        let deleted = usize::from(is_plain && self.rng.random_ratio(1, 4));
        let token = self.oracle.token();
        let typed = format!("{}{}", mark(&token), self.note());
        let now = self.now;
        let edited = self.phone(place.by).with(now, |replica, moment| {
            replica.splice(place.record, field, position, deleted, &typed, moment)
        });
        let edited = edited.map(|edited| edited.map(|edited| edited.is_changed));
        self.note_edit(place, edited, Some((token, Way::Text)))
    }
}
