//! Steps in a list, gathered until it is known what they come to: a change writes each key once.

use automerge::transaction::{Transactable, Transaction};
use automerge::{ObjId, ObjType, ROOT, ReadDoc, Value as AmValue};

use super::edit::{EditError, limit};
use super::key::{done_key, place_key, text_key};
use super::parts::Placed;
use super::place::{is_place, places_between};
use crate::id::ActorId;
use crate::schema::{Item, ItemEdit, ItemId, Place};

/// Names new items: nobody else has the same author and position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Namer {
    actor: ActorId,
    /// How many changes the author has made in the record.
    position: u64,
    made: u32,
}

impl Namer {
    pub(super) fn new(actor: ActorId, position: u64) -> Self {
        Self {
            actor,
            position,
            made: 0,
        }
    }

    fn next(&mut self) -> ItemId {
        self.made = self.made.saturating_add(1);
        ItemId::from_hash(&self.hash(self.made))
    }

    /// Two bytes for a run of places.
    fn salt(&mut self) -> [u8; 2] {
        self.made = self.made.saturating_add(1);
        let hash = self.hash(self.made);
        hash.as_bytes().first_chunk().copied().unwrap_or_default()
    }

    fn hash(&self, number: u32) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_derive_key("banyan/item/1");
        hasher.update(self.actor.as_bytes());
        hasher.update(&self.position.to_be_bytes());
        hasher.update(&number.to_be_bytes());
        hasher.finalize()
    }
}

/// One item, as it shall be.
#[derive(Debug, Clone)]
struct Line {
    id: ItemId,
    text: String,
    done: bool,
    /// Where it stays; none if it is new or moves.
    place: Option<String>,
    before: Option<Placed>,
}

/// A list while it is edited.
#[derive(Debug)]
pub(super) struct ListEdit {
    lines: Vec<Line>,
    before: Vec<Placed>,
}

impl ListEdit {
    pub(super) fn new(before: Vec<Placed>) -> Self {
        let lines = before.iter().map(Line::of).collect();
        Self { lines, before }
    }

    /// Makes the list what is wanted. Items that are not named by their ids are those with the same words,
    /// as far as there are any, so that a form which only knows words leaves alone what it does not change.
    pub(super) fn set(&mut self, wanted: &[Item], namer: &mut Namer) {
        let mut left: Vec<Line> = std::mem::take(&mut self.lines);
        let mut take = |fits: &dyn Fn(&Line) -> bool| {
            let found = left.iter().position(fits);
            found.map(|position| left.remove(position))
        };
        let named: Vec<Option<Line>> = wanted
            .iter()
            .map(|item| item.id.and_then(|id| take(&|line| line.id == id)))
            .collect();
        for (item, named) in wanted.iter().zip(named) {
            let is_twice = item
                .id
                .is_some_and(|id| self.lines.iter().any(|line| line.id == id));
            if is_twice {
                continue;
            }
            let same = |line: &Line| line.text == item.text;
            let known = named.or_else(|| item.id.is_none().then(|| take(&same)).flatten());
            let id = item.id;
            let new = || Line::new(item, id.unwrap_or_else(|| namer.next()));
            let mut line = known.unwrap_or_else(new);
            item.text.clone_into(&mut line.text);
            line.done = item.done;
            self.lines.push(line);
        }
        self.unplace_the_fewest();
    }

    /// Items keep their places but for those that are out of order, as few as can be.
    fn unplace_the_fewest(&mut self) {
        let keys: Vec<Option<(&str, ItemId)>> = self
            .lines
            .iter()
            .map(|line| Some((line.place.as_deref()?, line.id)))
            .collect();
        // For each line: the longest run in order that ends with it, and the line before it there.
        let mut runs: Vec<(usize, Option<usize>)> = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            let before = keys.iter().zip(&runs).enumerate().take(at);
            let longest = before
                .filter(|(_, (other, _))| key.is_some() && other.is_some() && *other < key)
                .max_by_key(|(_, (_, (length, _)))| *length);
            let run = longest.map_or((0, None), |(position, (_, (length, _)))| {
                (*length, Some(position))
            });
            runs.push((if key.is_some() { run.0 + 1 } else { 0 }, run.1));
        }
        let longest = runs
            .iter()
            .enumerate()
            .max_by_key(|(_, (length, _))| *length);
        let mut at = longest
            .filter(|(_, (length, _))| *length > 0)
            .map(|(position, _)| position);
        let mut stays = vec![false; runs.len()];
        while let Some(position) = at {
            if let Some(stay) = stays.get_mut(position) {
                *stay = true;
            }
            at = runs.get(position).and_then(|(_, before)| *before);
        }
        for (line, stays) in self.lines.iter_mut().zip(stays) {
            if !stays {
                line.place = None;
            }
        }
    }

    /// Does one step.
    pub(super) fn apply(
        &mut self,
        field: &str,
        edit: &ItemEdit,
        namer: &mut Namer,
    ) -> Result<(), EditError> {
        let unknown = || EditError::NoSuchItem {
            field: field.to_owned(),
        };
        match edit {
            ItemEdit::Insert { place, items } => {
                let at = self.index_of(*place).ok_or_else(unknown)?;
                let new = items.iter().map(|item| Line::new(item, namer.next()));
                let new: Vec<Line> = new.collect();
                self.lines.splice(at..at, new);
            }
            ItemEdit::Remove(item) => self.lines.retain(|line| line.id != *item),
            ItemEdit::Tick { item, done } => self.line(*item).ok_or_else(unknown)?.done = *done,
            ItemEdit::Write { item, text } => {
                text.clone_into(&mut self.line(*item).ok_or_else(unknown)?.text);
            }
            ItemEdit::Move { item, place } => {
                let from = self.lines.iter().position(|line| line.id == *item);
                let mut line = self.lines.remove(from.ok_or_else(unknown)?);
                // Behind itself is where it is.
                let at = match place {
                    Place::After(other) if other == item => from,
                    Place::First | Place::Last | Place::After(_) => self.index_of(*place),
                };
                let at = at.ok_or_else(unknown)?;
                if Some(at) != from {
                    line.place = None;
                }
                self.lines.insert(at, line);
            }
        }
        Ok(())
    }

    fn line(&mut self, item: ItemId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.id == item)
    }

    fn index_of(&self, place: Place) -> Option<usize> {
        match place {
            Place::First => Some(0),
            Place::Last => Some(self.lines.len()),
            Place::After(item) => {
                let position = self.lines.iter().position(|line| line.id == item)?;
                position.checked_add(1)
            }
        }
    }

    /// Gives a place to each line that has none.
    fn give_places(&mut self, namer: &mut Namer) {
        let mut at = 0;
        while at < self.lines.len() {
            let rest = self.lines.get(at..).unwrap_or_default();
            let run = rest.iter().take_while(|line| line.place.is_none()).count();
            if run == 0 {
                at += 1;
                continue;
            }
            let place = |line: &Line| line.place.clone().filter(|place| is_place(place));
            let earlier = self.lines.get(..at).unwrap_or_default();
            let after = earlier.iter().rev().find_map(place);
            let mut later = rest.iter().skip(run).filter_map(place);
            // Two at one place leave no room between them: behind both.
            let before = later.find(|place| Some(place) > after.as_ref());
            let places = places_between(after.as_deref(), before.as_deref(), run, namer.salt());
            for (line, place) in self.lines.iter_mut().skip(at).zip(places) {
                line.place = Some(place);
            }
            at += run;
        }
    }

    /// Writes what is different.
    pub(super) fn write(
        mut self,
        tx: &mut Transaction<'_>,
        field: &str,
        namer: &mut Namer,
    ) -> Result<(), EditError> {
        self.give_places(namer);
        for gone in &self.before {
            if self.lines.iter().all(|line| line.id != gone.id) {
                tx.delete(ROOT, place_key(field, gone.id))?;
            }
        }
        for line in &self.lines {
            line.write(tx, field)?;
        }
        Ok(())
    }
}

impl Line {
    fn of(placed: &Placed) -> Self {
        Self {
            id: placed.id,
            text: placed.text.clone(),
            done: placed.done,
            place: Some(placed.place.clone()),
            before: Some(placed.clone()),
        }
    }

    fn new(item: &Item, id: ItemId) -> Self {
        Self {
            id,
            text: item.text.clone(),
            done: item.done,
            place: None,
            before: None,
        }
    }

    fn write(&self, tx: &mut Transaction<'_>, field: &str) -> Result<(), EditError> {
        let before = self.before.as_ref();
        let place = self.place.as_deref().unwrap_or_default();
        if before.is_none_or(|before| before.place != place) {
            tx.put(ROOT, place_key(field, self.id), place)?;
        }
        if before.is_none_or(|before| before.text != self.text) {
            let key = text_key(field, self.id);
            let object = text_object(tx, &key)?;
            limit(tx, self.text.chars().count())?;
            tx.update_text(&object, &self.text)?;
        }
        let key = done_key(field, self.id);
        // An item that comes back may have been ticked when it was taken out.
        let is_done = match before {
            Some(before) => before.done,
            None => tx.get(ROOT, &key)?.is_some(),
        };
        match (is_done, self.done) {
            (false, true) => tx.put(ROOT, key, true)?,
            (true, false) => tx.delete(ROOT, key)?,
            (true, true) | (false, false) => {}
        }
        Ok(())
    }
}

/// The text of an item: that of one that was taken out before, or a new one.
fn text_object(tx: &mut Transaction<'_>, key: &str) -> Result<ObjId, EditError> {
    Ok(match tx.get(ROOT, key)? {
        Some((AmValue::Object(ObjType::Text), object)) => object,
        Some(_) | None => tx.put_object(ROOT, key, ObjType::Text)?,
    })
}
