//! From what a person typed to typed edits of fields.

use std::collections::BTreeSet;

use super::error::FieldError;
use super::value::{Item, ItemId, Value};
use super::{Field, FieldType, Kind};

/// How much of an unknown field's name an error repeats, in characters.
const QUOTED_CHARS_MAX: usize = 32;

/// A field and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldEdit {
    /// A field of the record's kind.
    pub field: String,
    /// Fits the field's type.
    pub value: Edit,
}

impl FieldEdit {
    /// The field shall have this value.
    #[must_use]
    pub fn set(field: &str, value: Value) -> Self {
        Self {
            field: field.to_owned(),
            value: Edit::Set(value),
        }
    }
}

/// What is done to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It shall have this value, whatever it has now. What others put into a set or a list meanwhile stays.
    Set(Value),
    /// These belong to the set.
    Add(BTreeSet<String>),
    /// These do not belong to the set.
    Remove(BTreeSet<String>),
    /// One step in a list.
    Item(ItemEdit),
}

impl Edit {
    /// The whole value that the field shall have, if that is what the edit says.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Set(value) => Some(value),
            Self::Add(_) | Self::Remove(_) | Self::Item(_) => None,
        }
    }

    /// Whether a record in which the field has nothing has something in it afterwards.
    fn gives_something(&self) -> bool {
        match self {
            Self::Set(value) => !value.is_empty(),
            Self::Add(elements) => !elements.is_empty(),
            Self::Item(ItemEdit::Insert { items, .. }) => !items.is_empty(),
            Self::Item(_) | Self::Remove(_) => false,
        }
    }
}

impl From<Value> for Edit {
    fn from(value: Value) -> Self {
        Self::Set(value)
    }
}

/// One step in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemEdit {
    /// Puts new items in, one after the other.
    Insert {
        /// Where the first of them goes.
        place: Place,
        /// What they say; ids are given to them.
        items: Vec<Item>,
    },
    /// Takes an item out. If it is gone already, nothing happens.
    Remove(ItemId),
    /// Ticks an item, or takes the tick away.
    Tick {
        /// Which.
        item: ItemId,
        /// Whether it is done.
        done: bool,
    },
    /// Writes an item anew; what others write in it meanwhile stays.
    Write {
        /// Which.
        item: ItemId,
        /// What it shall say.
        text: String,
    },
    /// Moves an item.
    Move {
        /// Which.
        item: ItemId,
        /// Where it shall be.
        place: Place,
    },
}

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// Behind all others.
    Last,
    /// Behind this one.
    After(ItemId),
}

/// What stands between a field's name and the `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// `field=`: the whole value.
    Whole,
    /// `field+=`: something is added.
    Plus,
    /// `field-=`: something is taken away.
    Minus,
}

/// A field's name as it stands before the `=`, and its sign.
fn name_and_sign(typed: &str) -> (&str, Sign) {
    let typed = typed.trim();
    let signed = |sign, end| {
        typed
            .strip_suffix(end)
            .map(|name: &str| (name.trim_end(), sign))
    };
    signed(Sign::Plus, '+')
        .or_else(|| signed(Sign::Minus, '-'))
        .unwrap_or((typed, Sign::Whole))
}

impl Kind {
    /// Turns what a person typed for one field into a typed edit. The field's name is followed by `+` to add
    /// to a set or to the end of a list, and by `-` to take out of a set, or to take the item of this id
    /// out of a list.
    ///
    /// Everything but long text is trimmed. Flags take `yes`, `no`, `true`, `false`, `是` and `否`. The members of
    /// a set are separated by commas; a list has an item on each line, ticked ones with `[x]` before them.
    /// Nothing at all clears what is not required and neither a number nor a flag.
    ///
    /// # Errors
    /// When the kind has no such field, or the text does not fit its type or length.
    pub fn parse_edit(&self, field: &str, text: &str) -> Result<FieldEdit, FieldError> {
        let (name, sign) = name_and_sign(field);
        let known = self.field(name).ok_or_else(|| self.unknown_field(name))?;
        let value = match sign {
            Sign::Whole => Edit::Set(known.parse_value(text)?),
            Sign::Plus | Sign::Minus => known.parse_step(text, sign)?,
        };
        Ok(FieldEdit {
            field: known.name.clone(),
            value,
        })
    }

    /// Turns `name=value`, `name+=value` and `name-=value` arguments into edits, in their order. The value may
    /// contain `=`.
    ///
    /// # Errors
    /// When an argument has no `=`, a field is set twice, or [`Self::parse_edit`] refuses one.
    pub fn parse_assignments(&self, args: &[String]) -> Result<Vec<FieldEdit>, FieldError> {
        let mut edits = Vec::with_capacity(args.len());
        for arg in args {
            let (field, text) = arg
                .split_once('=')
                .ok_or_else(|| FieldError::NotAnAssignment {
                    kind: self.with_article(),
                    fields: self.field_names(),
                })?;
            edits.push(self.parse_edit(field, text)?);
        }
        check_once(&edits)?;
        Ok(edits)
    }

    /// Checks that a new record with these edits has every required field. A state is not missed: records
    /// begin in the first one.
    ///
    /// # Errors
    /// Names all that are missing or empty.
    pub fn check_complete(&self, edits: &[FieldEdit]) -> Result<(), FieldError> {
        let is_given = |field: &Field| {
            edits
                .iter()
                .any(|edit| edit.field == field.name && edit.value.gives_something())
        };
        let has_default = |field: &Field| self.is_state(&field.name);
        let missing: Vec<&str> = self
            .fields()
            .iter()
            .filter(|field| field.required && !is_given(field) && !has_default(field))
            .map(Field::name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(FieldError::Missing {
            kind: self.with_article(),
            fields: missing.join(", "),
        })
    }

    /// What is said of a field that the kind does not have.
    #[must_use]
    pub fn unknown_field(&self, field: &str) -> FieldError {
        FieldError::Unknown {
            kind: self.with_article(),
            field: field.chars().take(QUOTED_CHARS_MAX).collect(),
            fields: self.field_names(),
        }
    }

    fn with_article(&self) -> String {
        let article = if self.name.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!("{article} {}", self.name)
    }

    fn field_names(&self) -> String {
        self.fields
            .iter()
            .map(Field::name)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Refuses a field that is set and touched again: nobody can tell what is meant.
///
/// # Errors
/// [`FieldError::Twice`].
pub fn check_once(edits: &[FieldEdit]) -> Result<(), FieldError> {
    let mut seen = BTreeSet::new();
    let mut whole = BTreeSet::new();
    for edit in edits {
        let field = edit.field.as_str();
        let is_new = seen.insert(field);
        let is_whole = edit.value.value().is_some();
        if !is_new && (is_whole || whole.contains(field)) {
            return Err(FieldError::Twice {
                field: edit.field.clone(),
            });
        }
        if is_whole {
            whole.insert(field);
        }
    }
    Ok(())
}

impl Field {
    fn parse_step(&self, text: &str, sign: Sign) -> Result<Edit, FieldError> {
        let field = || self.name.clone();
        if self.ty == FieldType::List {
            return match (sign, self.parse_item(text.trim())?) {
                (_, None) => Err(FieldError::Empty { field: field() }),
                (Sign::Minus, Some(_)) => {
                    let id = text.trim().parse();
                    let id = id.map_err(|_| FieldError::NotAnItem { field: field() })?;
                    Ok(Edit::Item(ItemEdit::Remove(id)))
                }
                (Sign::Plus | Sign::Whole, Some(item)) => Ok(Edit::Item(ItemEdit::Insert {
                    place: Place::Last,
                    items: vec![item],
                })),
            };
        }
        if !self.ty.is_set() {
            return Err(FieldError::NotASet { field: field() });
        }
        let elements = self.parse_set(text)?;
        if elements.is_empty() {
            return Err(FieldError::Empty { field: field() });
        }
        Ok(match sign {
            Sign::Minus => Edit::Remove(elements),
            Sign::Plus | Sign::Whole => Edit::Add(elements),
        })
    }
}
