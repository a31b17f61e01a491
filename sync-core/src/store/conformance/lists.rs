//! Facts about lists: every filter, order and page is what a plain reading of all rows gives.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::Rng;

use super::{Check, HashRng};
use crate::id::{DeviceId, LaneId, MemberId, Millis, RecordId};
use crate::store::{
    Cursor, LedFrom, LinkTarget, Order, Person, RowFilter, RowIndex, RowLink, StateCount, Store,
    StoreError, StoreRead, StoreTx, ViewRow,
};
use crate::view::words::{Search, Words};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("lists are what a plain reading of all rows gives", lists),
    (
        "links are found from both ends and leave with their record",
        links,
    ),
    ("rows are counted per space, kind and state", states),
    (
        "what has not been changed for long is found, of each kind by its own time",
        unchanged,
    ),
    (
        "a transaction finds its own words, and those that it leaves out no more",
        words,
    ),
];

/// Rows as they were written, by record.
type Written = BTreeMap<RecordId, (ViewRow, RowIndex)>;

/// Rows and questions about them, the same for the same seed.
#[derive(Debug)]
pub struct Questions(HashRng);

impl Questions {
    /// Begins with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(HashRng::new(seed))
    }

    fn below(&mut self, end: u32) -> u32 {
        self.0.next_u32() % end
    }

    fn byte(&mut self, end: u8) -> u8 {
        u8::try_from(self.below(u32::from(end))).unwrap_or_default()
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.below(one_in) == 0
    }

    fn device(&mut self) -> DeviceId {
        DeviceId::new([self.byte(5); 32])
    }

    fn day(&mut self) -> String {
        format!("2026-03-{:02}", self.below(9) + 1)
    }

    fn choice(&mut self) -> &'static str {
        ["one", "one_two", "One", "一"][self.below(4) as usize]
    }

    fn target(&mut self) -> LinkTarget {
        let id = [self.byte(4); 16];
        if self.chance(2) {
            LinkTarget::Record(RecordId::new(id))
        } else {
            LinkTarget::Member(MemberId::new(id))
        }
    }

    /// A row with few different values, so that many rows share each.
    fn row(&mut self, record: RecordId) -> (ViewRow, RowIndex) {
        let kind = ["task", "note", "visit"][self.below(3) as usize];
        let states = [None, Some("open"), Some("done")];
        let row = ViewRow {
            record,
            kind: kind.to_owned(),
            space: LaneId::new([self.byte(3); 16]),
            state: states[self.below(3) as usize].map(str::to_owned),
            due: self.chance(2).then(|| self.day()),
            day: self.chance(2).then(|| self.day()),
            title: format!("标题 {}", self.below(100)),
            fields: "{}".to_owned(),
            created_by: self.device(),
            created_at: Millis(5),
            updated_by: self.device(),
            updated_at: Millis(i64::from(self.below(20)) - 3),
            conflicts: u32::from(self.chance(4)),
        };
        let mut links = BTreeSet::new();
        for field in ["home", "owner", "helpers", "helpers"] {
            if self.chance(3) {
                let target = self.target();
                let field = field.to_owned();
                links.insert(RowLink { field, target });
            }
        }
        let mut words = Words::default();
        let name = ["王芳", "王小明", "李 lamp", "3号门"][self.below(4) as usize];
        words.add(name);
        words.add_initials(name);
        for field in ["kind", "kind_of"] {
            if self.chance(2) {
                words.add_choice(field, self.choice());
            }
        }
        let index = RowIndex {
            links,
            words: words.into_set(),
        };
        (row, index)
    }

    /// A filter that asks for up to three things.
    fn filter(&mut self) -> RowFilter {
        let mut filter = RowFilter {
            order: [Order::Newest, Order::Due, Order::Day][self.below(3) as usize],
            ..RowFilter::default()
        };
        for _ in 0..self.below(4) {
            self.narrow(&mut filter);
        }
        filter
    }

    fn narrow(&mut self, filter: &mut RowFilter) {
        match self.below(21) {
            20 => {
                let records = (0..self.below(12)).map(|_| RecordId::new([self.byte(70); 16]));
                filter.records = Some(records.collect());
            }
            19 => {
                let mut before = |kind: &str| (kind.to_owned(), Millis(i64::from(self.below(20))));
                let kinds = vec![before("task"), before("note"), before("none")];
                filter.unchanged_since = Some(kinds);
            }
            18 => filter.not_choices = vec![("kind".to_owned(), self.choice().to_owned())],
            17 => {
                let (day_from, day_to) = (self.bound(), self.bound());
                let kind = ["task", "visit", "none"][self.below(3) as usize].to_owned();
                filter.not_led_from = Some(LedFrom {
                    kind,
                    day_from,
                    day_to,
                });
            }
            16 => {
                let field = ["kind", "kind_of"][self.below(2) as usize];
                let choice = (field.to_owned(), self.choice().to_owned());
                filter.choices.push(choice);
            }
            15 => {
                let pair = |kind: &str, state: &str| (kind.to_owned(), state.to_owned());
                filter.in_states = vec![pair("task", "open"), pair("note", "done")];
            }
            14 => filter.not_created_by = vec![self.device(), self.device()],
            13 => {
                filter.spaces = vec![
                    LaneId::new([self.byte(4); 16]),
                    LaneId::new([self.byte(4); 16]),
                ]
            }
            12 => filter.kinds = vec!["task".to_owned(), "none".to_owned()],
            0 => filter.kind = Some(["task", "note", "none"][self.below(3) as usize].to_owned()),
            1 => filter.space = Some(LaneId::new([self.byte(4); 16])),
            2 => filter.states = vec!["open".to_owned(), "other".to_owned()],
            3 => filter.only_conflicts = true,
            4 => filter.linked = Some(self.target()),
            5 => {
                let member = MemberId::new([self.byte(5); 16]);
                let devices = vec![self.device(), self.device()];
                filter.person = Some(Person { member, devices });
            }
            6 => filter.created_by = Some(vec![self.device(), self.device()]),
            7 => filter.updated_by = Some(vec![self.device(); self.below(2) as usize]),
            8 => (filter.due_from, filter.due_to) = (self.bound(), self.bound()),
            9 => (filter.day_from, filter.day_to) = (self.bound(), self.bound()),
            10 => {
                let typed = ["王芳", "王", "wx", "l", "3号", "门 3", "王 明", "\"*", "无"];
                filter.search = Some(typed[self.below(9) as usize].to_owned());
            }
            _ => {
                filter.changed_after = self.chance(2).then(|| Millis(i64::from(self.below(20))));
                filter.changed_before = self.chance(2).then(|| Millis(i64::from(self.below(20))));
            }
        }
    }

    fn bound(&mut self) -> Option<String> {
        (!self.chance(3)).then(|| self.day())
    }

    /// Writes rows, changes some and removes some, in several transactions.
    ///
    /// # Errors
    /// The store's.
    fn write(&mut self, store: &mut dyn Store, rows: u8) -> Result<Written, StoreError> {
        let mut written = Written::new();
        for _ in 0..3 {
            let mut tx = store.begin()?;
            for _ in 0..rows {
                let record = RecordId::new([self.byte(rows); 16]);
                if self.chance(6) {
                    tx.remove_record(&record)?;
                    written.remove(&record);
                    continue;
                }
                let known = written.get(&record).cloned();
                let (mut row, index) = self.row(record);
                if let Some((before, index)) = known.filter(|_| self.chance(2)) {
                    // As most edits are: by the same person, and only later.
                    row = ViewRow {
                        updated_at: row.updated_at,
                        ..before
                    };
                    tx.put_row(&row, &index)?;
                    written.insert(record, (row, index));
                } else {
                    tx.put_row(&row, &index)?;
                    written.insert(record, (row, index));
                }
            }
            tx.commit()?;
        }
        Ok(written)
    }
}

/// What a filter lets through, read plainly.
fn fits(filter: &RowFilter, row: &ViewRow, index: &RowIndex) -> bool {
    let leads = |target: LinkTarget| index.links.iter().any(|link| link.target == target);
    let within = |day: &Option<String>, from: &Option<String>, to: &Option<String>| match day {
        Some(day) => !from.iter().any(|from| day < from) && !to.iter().any(|to| day > to),
        None => from.is_none() && to.is_none(),
    };
    let person = |person: &Person| {
        leads(LinkTarget::Member(person.member)) || person.devices.contains(&row.created_by)
    };
    let search = filter.search.as_deref().map(Search::read);
    let chosen = |(field, value): &(String, String)| {
        let mut one = Words::default();
        one.add_choice(field, value);
        one.into_set().is_subset(&index.words)
    };
    let wanted = [
        filter.choices.iter().all(chosen),
        search.iter().all(|search| search.fits(&index.words)),
        filter.kind.iter().all(|kind| *kind == row.kind),
        filter.kinds.is_empty() || filter.kinds.contains(&row.kind),
        filter.space.iter().all(|space| *space == row.space),
        filter.spaces.is_empty() || filter.spaces.contains(&row.space),
        !filter.not_created_by.contains(&row.created_by),
        filter.states.is_empty() || row.state.iter().any(|state| filter.states.contains(state)),
        filter.in_states.is_empty()
            || filter
                .in_states
                .iter()
                .any(|(kind, state)| *kind == row.kind && row.state.as_ref() == Some(state)),
        !filter.only_conflicts || row.conflicts > 0,
        filter.linked.iter().all(|target| leads(*target)),
        filter.person.iter().all(person),
        filter
            .created_by
            .iter()
            .all(|by| by.contains(&row.created_by)),
        filter
            .updated_by
            .iter()
            .all(|by| by.contains(&row.updated_by)),
        within(&row.due, &filter.due_from, &filter.due_to),
        within(&row.day, &filter.day_from, &filter.day_to),
        filter
            .changed_after
            .iter()
            .all(|after| row.updated_at > *after),
        filter
            .changed_before
            .iter()
            .all(|before| row.updated_at < *before),
        filter.unchanged_since.iter().all(|kinds| {
            let of_kind = kinds.iter().filter(|(kind, _)| *kind == row.kind);
            of_kind.map(|(_, before)| before).max() > Some(&row.updated_at)
        }),
        filter
            .records
            .iter()
            .all(|records| records.contains(&row.record)),
    ];
    wanted.iter().all(|is_so| *is_so)
}

/// Whether a row is left out because of what must not be so, read plainly.
fn is_kept_out(filter: &RowFilter, row: &ViewRow, index: &RowIndex, all: &Written) -> bool {
    let chosen = |(field, value): &(String, String)| {
        let mut one = Words::default();
        one.add_choice(field, value);
        one.into_set().is_subset(&index.words)
    };
    let leads_here = |from: &LedFrom| {
        let leading = RowFilter {
            kind: Some(from.kind.clone()),
            day_from: from.day_from.clone(),
            day_to: from.day_to.clone(),
            ..RowFilter::default()
        };
        let here = LinkTarget::Record(row.record);
        all.values().any(|(other, links)| {
            let is_leading = links.links.iter().any(|link| link.target == here);
            is_leading && fits(&leading, other, links)
        })
    };
    filter.not_choices.iter().any(chosen) || filter.not_led_from.iter().any(leads_here)
}

fn compare(order: Order, a: &ViewRow, b: &ViewRow) -> Ordering {
    let first = match order {
        Order::Newest => b.updated_at.cmp(&a.updated_at),
        Order::Due => match (&a.due, &b.due) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
        Order::Day => b.day.cmp(&a.day),
    };
    first.then(a.record.cmp(&b.record))
}

/// Compares lists, counts and pages of a store with a plain reading of the rows that were written.
///
/// # Errors
/// The store's.
///
/// # Panics
/// Panics with the filter whose answer is another one.
pub fn check_lists(store: &mut dyn Store, seed: u64) -> Result<(), StoreError> {
    let mut questions = Questions::new(seed);
    let written = questions.write(store, 60)?;
    for _ in 0..40 {
        let filter = questions.filter();
        let mut expected: Vec<&ViewRow> = written
            .values()
            .filter(|(row, index)| {
                fits(&filter, row, index) && !is_kept_out(&filter, row, index, &written)
            })
            .map(|(row, _)| row)
            .collect();
        expected.sort_by(|a, b| compare(filter.order, a, b));
        assert_eq!(
            store.count_rows(&filter)?,
            expected.len() as u64,
            "{filter:?}"
        );
        let found = store.rows(&filter)?;
        assert!(found.iter().eq(expected.iter().copied()), "{filter:?}");
        check_pages(store, &mut questions, &filter, &expected)?;
    }
    Ok(())
}

/// Pages by place, and one by number.
fn check_pages(
    store: &dyn StoreRead,
    questions: &mut Questions,
    filter: &RowFilter,
    expected: &[&ViewRow],
) -> Result<(), StoreError> {
    let limit = questions.below(12) as usize + 1;
    let mut page = RowFilter {
        limit: Some(limit),
        ..filter.clone()
    };
    let mut found = Vec::new();
    loop {
        let rows = store.rows(&page)?;
        assert!(rows.len() <= limit, "{page:?}");
        let Some(last) = rows.last() else { break };
        page.after = Some(Cursor::of(last));
        found.extend(rows);
    }
    assert!(found.iter().eq(expected.iter().copied()), "{page:?}");
    page.offset = questions.below(20) as usize;
    page.after = (questions.chance(2))
        .then(|| expected.first().map(|row| Cursor::of(row)))
        .flatten();
    let begin = page.offset + usize::from(page.after.is_some());
    let rest = expected.iter().skip(begin).take(limit).copied();
    assert!(store.rows(&page)?.iter().eq(rest), "{page:?}");
    assert_eq!(store.count_rows(&page)?, expected.len() as u64, "{page:?}");
    Ok(())
}

fn lists(store: &mut dyn Store) -> Result<(), StoreError> {
    check_lists(store, 1)
}

fn links(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut questions = Questions::new(2);
    let written = questions.write(store, 30)?;
    let mut leading: BTreeMap<LinkTarget, Vec<(RecordId, String)>> = BTreeMap::new();
    for (record, (_, index)) in &written {
        assert_eq!(store.links_of(record)?, index.links);
        for link in &index.links {
            let of_target = leading.entry(link.target).or_default();
            of_target.push((*record, link.field.clone()));
        }
    }
    for (target, mut expected) in leading {
        expected.sort();
        assert_eq!(store.links_to(&target)?, expected);
    }
    let mut tx = store.begin()?;
    for record in written.keys() {
        tx.remove_record(record)?;
    }
    tx.commit()?;
    for byte in 0..4 {
        let target = LinkTarget::Record(RecordId::new([byte; 16]));
        assert_eq!(store.links_to(&target)?, []);
        assert_eq!(store.links_of(&RecordId::new([byte; 16]))?, BTreeSet::new());
    }
    Ok(())
}

fn states(store: &mut dyn Store) -> Result<(), StoreError> {
    let written = Questions::new(3).write(store, 60)?;
    let mut expected: BTreeMap<(LaneId, String, Option<String>), (u64, u64)> = BTreeMap::new();
    for (row, _) in written.values() {
        let key = (row.space, row.kind.clone(), row.state.clone());
        let (records, in_conflict) = expected.entry(key).or_default();
        *records += 1;
        *in_conflict += u64::from(row.conflicts > 0);
    }
    let expected: Vec<StateCount> = expected
        .into_iter()
        .map(
            |((space, kind, state), (records, in_conflict))| StateCount {
                space,
                kind,
                state,
                records,
                in_conflict,
            },
        )
        .collect();
    assert_eq!(store.state_counts()?, expected);
    Ok(())
}

fn unchanged(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    let rows = [
        (1, "visit", 9),
        (2, "visit", 10),
        (3, "need", 9),
        (4, "need", 10),
        (5, "proposal", 0),
    ];
    for (byte, kind, at) in rows {
        let (row, index) = Questions::new(4).row(RecordId::new([byte; 16]));
        let row = ViewRow {
            kind: kind.to_owned(),
            updated_at: Millis(at),
            ..row
        };
        tx.put_row(&row, &index)?;
    }
    tx.commit()?;
    let found = |store: &dyn StoreRead, kinds: &[(&str, i64)]| -> Result<Vec<u8>, StoreError> {
        let kinds = kinds.iter();
        let kinds = kinds.map(|(kind, before)| ((*kind).to_owned(), Millis(*before)));
        let filter = RowFilter {
            unchanged_since: Some(kinds.collect()),
            ..RowFilter::default()
        };
        let rows = store.rows(&filter)?;
        assert_eq!(store.count_rows(&filter)?, rows.len() as u64);
        let mut bytes: Vec<u8> = rows.iter().map(|row| row.record.as_bytes()[0]).collect();
        bytes.sort_unstable();
        Ok(bytes)
    };
    assert_eq!(found(store, &[("visit", 10), ("need", 11)])?, [1, 3, 4]);
    assert_eq!(found(store, &[("visit", 9)])?, [0_u8; 0]);
    assert_eq!(found(store, &[("visit", i64::MIN)])?, [0_u8; 0]);
    assert_eq!(found(store, &[("none", i64::MAX)])?, [0_u8; 0]);
    assert_eq!(found(store, &[])?, [0_u8; 0], "no kind has a time");
    let mut tx = store.begin()?;
    tx.remove_record(&RecordId::new([3; 16]))?;
    tx.commit()?;
    assert_eq!(found(store, &[("visit", 10), ("need", 11)])?, [1, 4]);
    Ok(())
}

fn words(store: &mut dyn Store) -> Result<(), StoreError> {
    let put = |tx: &mut dyn StoreTx, byte: u8, text: &str| {
        let record = RecordId::new([byte; 16]);
        let mut words = Words::default();
        words.add(text);
        let index = RowIndex {
            words: words.into_set(),
            ..RowIndex::default()
        };
        tx.put_row(&Questions::new(4).row(record).0, &index)
    };
    let count = |store: &dyn StoreRead, typed: &str| {
        let search = Some(typed.to_owned());
        store.count_rows(&RowFilter {
            search,
            ..RowFilter::default()
        })
    };
    let mut tx = store.begin()?;
    for byte in [9, 3, 7] {
        put(&mut *tx, byte, "first shared")?;
    }
    assert_eq!((count(&*tx, "first")?, count(&*tx, "second")?), (3, 0));
    put(&mut *tx, 3, "second shared")?;
    tx.remove_record(&RecordId::new([9; 16]))?;
    assert_eq!((count(&*tx, "first")?, count(&*tx, "second")?), (1, 1));
    put(&mut *tx, 9, "third shared")?;
    put(&mut *tx, 7, "")?;
    tx.commit()?;
    assert_eq!((count(store, "shared")?, count(store, "first")?), (2, 0));
    let mut tx = store.begin()?;
    tx.remove_record(&RecordId::new([9; 16]))?;
    put(&mut *tx, 9, "fourth")?;
    put(&mut *tx, 3, "fourth")?;
    assert_eq!((count(&*tx, "third")?, count(&*tx, "fourth")?), (0, 2));
    drop(tx);
    assert_eq!((count(store, "third")?, count(store, "fourth")?), (1, 0));
    let mut tx = store.begin()?;
    put(&mut *tx, 5, "fifth")?;
    tx.clear_records()?;
    assert_eq!((count(&*tx, "shared")?, count(&*tx, "fifth")?), (0, 0));
    put(&mut *tx, 5, "sixth")?;
    tx.commit()?;
    assert_eq!((count(store, "shared")?, count(store, "sixth")?), (0, 1));
    Ok(())
}
