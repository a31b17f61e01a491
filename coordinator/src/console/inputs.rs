//! Forms out of the schema: the fields of a kind as inputs, and what was typed as edits.

mod typed;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::{MemberView, Replica, ReplicaError};
use sync_core::roster::role::Scope;
use sync_core::schema::{Field, FieldType, Kind, REASON_FIELD};
use sync_core::store::{RowFilter, StoreError, ViewRow};

use super::cx::{Cx, Trouble};
use super::fields;
use super::form::Form;
use super::views::shared::{CheckLine, Choice, FormError, Input};
use crate::lookup::Lookup;

pub(super) use self::typed::{edits, sentence};

/// The name of the input of a form that says where a new record goes.
pub(super) const SPACE: &str = "_space";
/// So many records are offered for a field that leads to one.
const SUGGESTED_MAX: usize = 50;
/// So many people are offered to be ticked; more than that are found by beginning to type their name.
const TICKED_MAX: usize = 30;
/// Stands between a record's title and its id in what is typed for a link.
const ID_MARK: char = '·';
/// So much of a member's id is typed with the name.
const MEMBER_LETTERS: usize = 8;
/// The line of a list that is still empty.
const NEW_LINE: &str = "new";

/// Values as they stood when the form was shown, by field.
pub(super) type Seen = BTreeMap<String, Value>;
/// What is wrong, by field.
pub(super) type Wrong = BTreeMap<String, String>;

/// The fields that a form asks for: the state is moved by buttons, and its reason is asked for there.
pub(super) fn asked_fields(kind: &Kind) -> impl Iterator<Item = &Field> {
    let has_states = !kind.states().is_empty();
    kind.fields().iter().filter(move |field| {
        let is_of_state =
            kind.is_state(field.name()) || (has_states && field.name() == REASON_FIELD);
        !is_of_state && !field.hidden() && !matches!(field.ty(), FieldType::Other(_))
    })
}

/// One input for each field, with what is kept or, after a refusal, what was typed.
pub(super) fn inputs(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    seen: &Seen,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Result<Vec<Input>, Trouble> {
    let maker = Maker {
        replica,
        cx,
        members: replica.members(),
        near: near(replica, cx, typed)?,
        typed,
    };
    asked_fields(kind)
        .map(|field| maker.input(field, seen.get(field.name()), wrong))
        .collect()
}

/// What the inputs of one form are made of.
struct Maker<'a> {
    replica: &'a Replica,
    cx: &'a Cx,
    members: Vec<MemberView>,
    /// Those who are offered first; none if all are.
    near: Option<BTreeSet<String>>,
    typed: Option<&'a Form>,
}

/// The members of the village that a form is about: of the record's, of the one that was typed, or else of
/// those that this person belongs to. A coordinator who writes something new may mean anybody.
fn near(
    replica: &Replica,
    cx: &Cx,
    typed: Option<&Form>,
) -> Result<Option<BTreeSet<String>>, StoreError> {
    let row = match cx.asked.param("id").parse::<RecordId>() {
        Ok(record) => replica.store().row(&record)?,
        Err(_) => None,
    };
    let typed = typed.unwrap_or(&cx.asked.query).get(SPACE).parse().ok();
    let spaces: BTreeSet<LaneId> = match row.map(|row| row.space).or(typed) {
        Some(space) => BTreeSet::from([space]),
        None => own_spaces(replica),
    };
    let members = replica.roster().members().iter().filter(|(_, member)| {
        let mut spaces = spaces.iter();
        spaces.any(|space| fields::belongs(replica, member, space))
    });
    Ok((!spaces.is_empty()).then(|| members.map(|(id, _)| id.to_string()).collect()))
}

/// The villages in which this person has a role of their own.
fn own_spaces(replica: &Replica) -> BTreeSet<LaneId> {
    let roster = replica.roster();
    let us = roster.member_id(&replica.device());
    let roles = us.and_then(|us| roster.members().get(&us));
    let scopes = roles.into_iter().flat_map(|member| &member.roles);
    let spaces = scopes.filter_map(|(scope, _)| match scope {
        Scope::Space(space) => Some(*space),
        Scope::Community => None,
    });
    spaces.collect()
}

/// The summary above a form.
pub(super) fn errors(cx: &Cx, kind: &Kind, wrong: &Wrong) -> Vec<FormError> {
    asked_fields(kind)
        .filter_map(|field| {
            Some(FormError {
                name: field.name().to_owned(),
                label: field.label(cx.text.lang()).to_owned(),
                text: wrong.get(field.name())?.clone(),
            })
        })
        .collect()
}

impl Maker<'_> {
    fn input(&self, field: &Field, kept: Option<&Value>, wrong: &Wrong) -> Result<Input, Trouble> {
        let cx = self.cx;
        let name = field.name();
        let input = type_word(field.ty());
        let is_group = matches!(
            input,
            "choice" | "choices" | "links" | "checklist" | "point"
        );
        let hint = field.help(cx.text.lang()).unwrap_or_default();
        let error = wrong.get(name).cloned().unwrap_or_default();
        let mut described = Vec::new();
        if !hint.is_empty() && !is_group {
            described.push(format!("hi-{name}"));
        }
        if !error.is_empty() {
            described.push(format!("er-{name}"));
        }
        let chosen = chosen(field, kept, self.typed);
        let mut made = Input {
            name: name.to_owned(),
            label: field.label(cx.text.lang()).to_owned(),
            input: input.to_owned(),
            group: is_group,
            must: if field.required() {
                cx.say("console.form.must")
            } else {
                String::new()
            },
            has_hint: !hint.is_empty(),
            hint: hint.to_owned(),
            has_error: !error.is_empty(),
            error,
            personal: field.personal(),
            described: described.join(" "),
            ..Input::default()
        };
        self.fill(field, &chosen, kept, &mut made)?;
        Ok(made)
    }

    fn fill(
        &self,
        field: &Field,
        chosen: &[String],
        kept: Option<&Value>,
        made: &mut Input,
    ) -> Result<(), ReplicaError> {
        let (replica, cx, typed) = (self.replica, self.cx, self.typed);
        let first = chosen.first().cloned().unwrap_or_default();
        let is_on = |value: &str| chosen.iter().any(|word| word == value);
        match field.ty() {
            FieldType::Choice(choices) | FieldType::Choices(choices) => {
                made.options = choices
                    .iter()
                    .map(|choice| option(choice.value(), choice.label(cx.text.lang()), &is_on))
                    .collect();
                if matches!(field.ty(), FieldType::Choice(_)) && !field.required() {
                    let unset = cx.say("console.form.unset");
                    made.options.push(option("", &unset, &|_| first.is_empty()));
                }
            }
            FieldType::Member => {
                self.offer_members(&is_on, made);
                let unset = cx.say("console.form.unset");
                made.options
                    .insert(0, option("", &unset, &|_| first.is_empty()));
            }
            FieldType::Members => self.offer_choices_of_members(chosen, made),
            FieldType::Link(kinds) => {
                made.value = match typed {
                    Some(_) => first,
                    None => with_id(replica, &first)?,
                };
                made.suggestions = suggestions(replica, kinds)?;
            }
            FieldType::Links(kinds) => {
                let ids = chosen.iter().filter(|id| !id.trim().is_empty());
                made.options = ids
                    .map(|id| Ok(option(id, &with_id(replica, id)?, &|_| true)))
                    .collect::<Result<_, StoreError>>()?;
                made.suggestions = suggestions(replica, kinds)?;
                made.add_label = cx.say("console.form.add_link");
            }
            FieldType::List => made.lines = check_lines(cx, field, kept, typed),
            FieldType::Point { .. } => fill_point(field, &first, typed, made),
            FieldType::Flag => made.on = is_on("yes"),
            FieldType::Minutes => {
                made.value = first;
                made.unit = cx.say("console.unit.minutes");
            }
            FieldType::Time => made.value = first.replace(' ', "T"),
            FieldType::Blob
            | FieldType::Line
            | FieldType::Text
            | FieldType::Number
            | FieldType::Date
            | FieldType::Other(_) => made.value = first,
        }
        Ok(())
    }
}

impl Maker<'_> {
    /// People of the village at once, the others behind a line: sixty names are no help on a phone.
    fn offer_members(&self, is_on: &dyn Fn(&str) -> bool, made: &mut Input) {
        let there = self.members.iter();
        let there = there.filter(|member| !member.is_removed() || is_on(&member.id));
        let (near, far): (Vec<_>, Vec<_>) = there.partition(|member| {
            let is_near = self
                .near
                .as_ref()
                .is_none_or(|near| near.contains(&member.id));
            is_near || is_on(&member.id)
        });
        let offered = |member: &MemberView| {
            let name = member.name.as_deref().unwrap_or("?");
            option(&member.id, name, is_on)
        };
        made.options = near.into_iter().map(offered).collect();
        made.others = far.into_iter().map(offered).collect();
        let count = made.others.len() as u64;
        made.others_label = self.cx.count("console.form.others", count);
    }
}

impl Maker<'_> {
    /// The same to be ticked. Where they are many, those who are not ticked are found by their name.
    fn offer_choices_of_members(&self, chosen: &[String], made: &mut Input) {
        let lookup = Lookup::of(self.replica);
        let words = chosen.iter().flat_map(|typed| typed::members_typed(typed));
        let ids: BTreeSet<String> = words.map(|word| lookup.member(word)).collect();
        let is_on = |id: &str| ids.contains(id);
        self.offer_members(&is_on, made);
        let is_nobody = |id: &&String| !self.members.iter().any(|member| member.id == **id);
        let strangers = ids.iter().filter(is_nobody);
        let strangers: Vec<Choice> = strangers.map(|id| option(id, id, &is_on)).collect();
        if thin_out(made) {
            made.add_label = self.cx.say("console.form.add_member");
        }
        made.options.extend(strangers);
    }
}

/// Where people are too many to be ticked, those who are not are suggested; says whether they are.
fn thin_out(made: &mut Input) -> bool {
    let is_crowded = made.options.len() > TICKED_MAX;
    if !is_crowded && made.others.len() <= TICKED_MAX {
        return false;
    }
    let mut hidden = Vec::new();
    if is_crowded {
        let options = std::mem::take(&mut made.options).into_iter();
        (made.options, hidden) = options.partition(|it| it.on);
    }
    hidden.append(&mut made.others);
    made.suggestions = hidden.iter().map(suggested).collect();
    true
}

/// What is typed for a member, and offered: `王芳 · 3jrbdzmp`.
fn suggested(member: &Choice) -> Choice {
    let short: String = member.value.chars().take(MEMBER_LETTERS).collect();
    Choice {
        value: format!("{} {ID_MARK} {short}", member.label),
        ..Choice::default()
    }
}

fn type_word(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::Blob | FieldType::Line | FieldType::Other(_) => "line",
        FieldType::Text => "text",
        FieldType::Number | FieldType::Minutes => "number",
        FieldType::Date => "date",
        FieldType::Time => "datetime",
        FieldType::Flag => "flag",
        FieldType::Choice(_) => "choice",
        FieldType::Choices(_) | FieldType::Members => "choices",
        FieldType::Member => "select",
        FieldType::Link(_) => "link",
        FieldType::Links(_) => "links",
        FieldType::List => "checklist",
        FieldType::Point { .. } => "point",
    }
}

/// The values that stand in the form: those typed, or else those kept.
fn chosen(field: &Field, kept: Option<&Value>, typed: Option<&Form>) -> Vec<String> {
    if let Some(form) = typed {
        return form.all(field.name()).map(str::to_owned).collect();
    }
    match kept {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(parts)) => {
            let words = parts.iter().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        }
        Some(Value::Number(number)) => vec![number.to_string()],
        Some(Value::Bool(true)) => vec!["yes".to_owned()],
        Some(Value::Bool(false) | Value::Null | Value::Object(_)) | None => Vec::new(),
    }
}

/// The records that stand in a field of a form: those typed, or else those kept.
pub(super) fn records_in(
    replica: &Replica,
    field: &Field,
    kept: Option<&Value>,
    typed: Option<&Form>,
) -> Vec<RecordId> {
    let words = chosen(field, kept, typed);
    let ids = words.iter().map(|word| typed::id_typed(word));
    // What is no record is told beside the field when the form is sent.
    ids.filter(|id| !id.is_empty())
        .filter_map(|id| replica.find_record(id).ok())
        .collect()
}

fn option(value: &str, label: &str, is_on: &dyn Fn(&str) -> bool) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        on: is_on(value),
    }
}

fn fill_point(field: &Field, kept: &str, typed: Option<&Form>, made: &mut Input) {
    let name = field.name();
    let (lat, lon) = kept.split_once(',').unwrap_or_default();
    let part = |which: &str, kept: &str| match typed {
        Some(form) => form.get(&format!("{name}.{which}")).to_owned(),
        None => kept.trim().to_owned(),
    };
    made.lat = part("lat", lat);
    made.lon = part("lon", lon);
}

/// What is typed for a record, and offered: `仁和里12号 · 3jrbdzmp`.
fn named(row: &ViewRow) -> String {
    format!("{} {ID_MARK} {}", row.title, row.record.short())
}

/// The same for an id; the id itself if its record is not here.
fn with_id(replica: &Replica, id: &str) -> Result<String, StoreError> {
    let row = match id.parse::<RecordId>() {
        Ok(record) => replica.store().row(&record)?,
        Err(_) => None,
    };
    Ok(row.as_ref().map_or_else(|| id.to_owned(), named))
}

/// Records that a field may lead to, the newest first.
fn suggestions(replica: &Replica, kinds: &[String]) -> Result<Vec<Choice>, ReplicaError> {
    let newest = RowFilter {
        kinds: kinds.to_vec(),
        limit: Some(SUGGESTED_MAX),
        ..RowFilter::default()
    };
    let choices = replica.list(&newest)?.into_iter().map(|row| Choice {
        value: named(&row),
        label: fields::space_label_plain(replica, &row.space),
        on: false,
    });
    Ok(choices.collect())
}

/// The lines of a list and an empty one.
fn check_lines(
    cx: &Cx,
    field: &Field,
    kept: Option<&Value>,
    typed: Option<&Form>,
) -> Vec<CheckLine> {
    let name = field.name();
    let none = Vec::new();
    let items = kept.and_then(Value::as_array).unwrap_or(&none);
    let keys = items.iter().filter_map(|item| {
        let text = item.get("text")?.as_str()?;
        let is_done = item.get("done").and_then(Value::as_bool) == Some(true);
        Some((item.get("id")?.as_str()?, text, is_done))
    });
    let lines = keys.chain([(NEW_LINE, "", false)]).enumerate();
    lines
        .map(|(n, (key, text, is_done))| {
            let n = (n + 1).to_string();
            let done_name = format!("{name}.done");
            let text = typed.map_or(text, |form| form.get(&format!("{name}.{key}")));
            let on = typed.map_or(is_done, |form| form.all(&done_name).any(|it| it == key));
            CheckLine {
                key: key.to_owned(),
                text: text.to_owned(),
                on,
                tick_label: cx.with("console.check.done", &[("n", &n)]),
                text_label: cx.with("console.check.item", &[("n", &n)]),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: usize, on: usize) -> Vec<Choice> {
        let person = |n: usize| Choice {
            value: format!("member{n:020}"),
            label: format!("person {n}"),
            on: n < on,
        };
        (0..count).map(person).collect()
    }

    fn offered(options: Vec<Choice>, others: Vec<Choice>) -> (bool, [usize; 3]) {
        let mut made = Input {
            options,
            others,
            ..Input::default()
        };
        let is_thinned = thin_out(&mut made);
        let lens = [
            made.options.len(),
            made.others.len(),
            made.suggestions.len(),
        ];
        (is_thinned, lens)
    }

    #[test]
    fn people_are_suggested_instead_of_ticked_where_they_are_many() {
        let few = offered(people(TICKED_MAX, 0), people(TICKED_MAX, 0));
        assert_eq!(few, (false, [TICKED_MAX, TICKED_MAX, 0]));
        let nobody_near = offered(Vec::new(), people(3, 0));
        assert_eq!(nobody_near, (false, [0, 3, 0]));
        // Who is of the village is never behind the line of those who are of others.
        let large_village = offered(people(TICKED_MAX + 1, 5), people(2, 0));
        assert_eq!(large_village, (true, [5, 0, TICKED_MAX - 2]));
        let many_others = offered(people(4, 0), people(TICKED_MAX + 1, 0));
        assert_eq!(many_others, (true, [4, 0, TICKED_MAX + 1]));
    }
}
