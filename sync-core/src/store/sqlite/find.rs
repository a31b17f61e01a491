//! Lists of rows: which rows a filter lets through, in its order.
//!
//! What is asked beside space, kind and state is answered by indexes with the numbers of rows, which are
//! read twice, from two trees, and must agree. If they are few, the rows' spots are read and sorted; if
//! they are many, or if nothing of that sort is asked, an index in the order of the list is walked and
//! left as soon as the list is full. Whoever walks to the end has met every row of every group, once.

use std::collections::BTreeMap;

use rusqlite::{Params, params};

use crate::id::{DeviceId, Millis};
use crate::store::LedFrom;
use crate::store::filter::{Order, Rank};
use crate::store::forward::names::*;

use super::cells::{Columns, corrupt};
use super::groups::{Count, Group, Groups, Met};
use super::read::Rows;
use super::records::ROW;
use super::views::{NEVER, NO_DAY, Spot, day_of, day_text, due_of, due_text};

/// To read one row's spot takes so many times as long as one step of a walk.
const SPOT_STEPS: u64 = 16;
/// To begin the walk of a group takes so many times as long as one step of it.
const SEEK_STEPS: u64 = 4;

/// What has not been changed since a moment, as an index has it that is read no further.
pub(super) const UNCHANGED: &str =
    "SELECT id, of_group, updated_at FROM rows INDEXED BY rows_newest WHERE updated_at <= ?1";

/// Where a row stands in a list.
struct Place {
    rank: Rank,
    record: RecordId,
    id: i64,
}

impl Place {
    fn of_spot(order: Order, spot: Spot) -> Self {
        let rank = match order {
            Order::Newest => Rank::newest(spot.updated_at),
            Order::Due => Rank::due(spot.due),
            Order::Day => Rank::day(spot.day),
        };
        Self {
            rank,
            record: spot.record,
            id: spot.id,
        }
    }

    fn read(order: Order, columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let rank = match order {
            Order::Newest => Rank::newest(Millis(columns.next()?)),
            Order::Due => Rank::due(due_of(columns.next()?)),
            Order::Day => Rank::day(day_of(columns.next()?)),
        };
        Ok(Self {
            rank,
            record: columns.next()?,
            id: columns.next()?,
        })
    }

    fn is_after(&self, (rank, record): &(Rank, RecordId)) -> bool {
        (&self.rank, &self.record) > (rank, record)
    }

    fn follows(&self, last: &Self) -> bool {
        (&self.rank, &self.record) > (&last.rank, &last.record)
    }
}

fn bad_index() -> StoreError {
    corrupt("an index of rows", "the list of rows")
}

/// A question about rows, with what the store has to say about it.
struct Asked<'f> {
    filter: &'f RowFilter,
    groups: Groups,
    /// Numbers of the rows that fit in all but their group, sorted; none if nothing of that is asked.
    candidates: Option<Vec<i64>>,
    /// Numbers of the rows that do not fit, sorted; only where there are no candidates.
    excluded: Vec<i64>,
    after: Option<(Rank, RecordId)>,
    /// So many places are enough.
    wanted: usize,
}

impl Asked<'_> {
    fn is_candidate(&self, id: i64) -> bool {
        let candidates = self.candidates.as_ref();
        candidates.is_none_or(|candidates| candidates.binary_search(&id).is_ok())
            && self.excluded.binary_search(&id).is_err()
    }

    fn is_reached(&self, place: &Place) -> bool {
        let after = self.after.as_ref();
        after.is_none_or(|after| place.is_after(after))
    }

    /// Whether there are so few candidates that each is looked at.
    fn are_few(&self, candidates: &[i64]) -> bool {
        (candidates.len() as u64).saturating_mul(SPOT_STEPS) <= self.groups.rows()
    }

    /// Whether to go through the groups one by one is less work than to go through all rows.
    fn is_by_group(&self) -> bool {
        let wanted = self.wanted as u64;
        let open = self.groups.open_rows();
        if open == 0 {
            return true;
        }
        let in_groups = self
            .groups
            .open()
            .map(|group| group.count.rows.min(wanted) + SEEK_STEPS);
        let all = self.groups.rows();
        let walked = u128::from(wanted.min(open)) * u128::from(all) / u128::from(open);
        u128::from(in_groups.sum::<u64>()) <= walked
    }
}

impl Rows<'_> {
    fn ask<'f>(&self, filter: &'f RowFilter) -> Result<Asked<'f>, StoreError> {
        let groups = self.groups(filter)?;
        let mut candidates = self.candidates(filter, &groups)?;
        let mut excluded = sorted(self.excluded(filter)?);
        if let Some(candidates) = &mut candidates {
            candidates.retain(|id| excluded.binary_search(id).is_err());
            excluded.clear();
        }
        let after = filter.after.as_ref().map(|place| filter.order.rank(place));
        let limit = filter.limit.unwrap_or(usize::MAX);
        Ok(Asked {
            filter,
            groups,
            candidates,
            excluded,
            after,
            wanted: limit.saturating_add(filter.offset),
        })
    }

    pub(super) fn rows_for(&self, filter: &RowFilter) -> Result<Vec<ViewRow>, StoreError> {
        let asked = self.ask(filter)?;
        let places = match &asked.candidates {
            Some(few) if asked.are_few(few) => self.places_of(&asked, few)?,
            None if filter.order == Order::Newest && asked.is_by_group() => {
                self.newest_by_group(&asked)?
            }
            Some(_) | None => self.walk(&asked)?,
        };
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut rows = Vec::new();
        for place in places.iter().skip(filter.offset).take(limit) {
            let row = self.row_by_id(place.id, &place.record)?;
            let rank = filter.order.rank(&crate::store::Cursor::of(&row)).0;
            if rank != place.rank || !filter.fits_row(&row) {
                return Err(corrupt("an index of rows", place.record));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    pub(super) fn count_for(&self, filter: &RowFilter) -> Result<u64, StoreError> {
        let asked = self.ask(filter)?;
        let Some(candidates) = &asked.candidates else {
            let excluded = self.count_open(&asked, &asked.excluded)?;
            return Ok(asked.groups.open_rows().saturating_sub(excluded));
        };
        if asked.groups.are_all_open() {
            return Ok(candidates.len() as u64);
        }
        if asked.are_few(candidates) {
            return self.count_open(&asked, candidates);
        }
        let mut found = 0;
        for group in asked.groups.open() {
            let ids = self.ids_of_group(group)?;
            found += ids.iter().filter(|id| asked.is_candidate(**id)).count() as u64;
        }
        Ok(found)
    }

    /// How many of these rows are in a group that is open.
    fn count_open(&self, asked: &Asked<'_>, ids: &[i64]) -> Result<u64, StoreError> {
        let mut found = 0;
        for id in ids {
            let group = self.spot(*id)?.group;
            let is_open = asked.groups.is_open(group).ok_or_else(bad_index)?;
            found += u64::from(is_open);
        }
        Ok(found)
    }

    /// All rows of a group, as it counts them.
    fn ids_of_group(&self, group: &Group) -> Result<Vec<i64>, StoreError> {
        let ids = self.ids(
            "SELECT id FROM rows INDEXED BY rows_of_group WHERE of_group = ?1",
            [group.id],
        )?;
        let mut count = Count::default();
        ids.iter().for_each(|id| count.add(*id));
        if count == group.count {
            Ok(ids)
        } else {
            Err(bad_index())
        }
    }

    /// The places of a few rows that are known to fit but for their group.
    fn places_of(&self, asked: &Asked<'_>, ids: &[i64]) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            let spot = self.spot(*id)?;
            let is_open = asked.groups.is_open(spot.group).ok_or_else(bad_index)?;
            let place = Place::of_spot(asked.filter.order, spot);
            if is_open && asked.is_reached(&place) {
                places.push(place);
            }
        }
        places.sort_unstable_by(|a, b| (&a.rank, &a.record).cmp(&(&b.rank, &b.record)));
        places.truncate(asked.wanted);
        Ok(places)
    }

    /// The newest rows of each open group, in one list.
    fn newest_by_group(&self, asked: &Asked<'_>) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::new();
        for group in asked.groups.open().filter(|group| group.count.rows > 0) {
            self.newest_of(asked, group, &mut places)?;
        }
        places.sort_unstable_by(|a, b| (&a.rank, &a.record).cmp(&(&b.rank, &b.record)));
        places.truncate(asked.wanted);
        Ok(places)
    }

    fn newest_of(
        &self,
        asked: &Asked<'_>,
        group: &Group,
        places: &mut Vec<Place>,
    ) -> Result<(), StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT updated_at, record, id FROM rows INDEXED BY rows_of_group \
             WHERE of_group = ?1 AND updated_at <= ?2 ORDER BY updated_at DESC, record",
        )?;
        let mut rows = statement.query(params![group.id, newest_from(asked.filter)])?;
        let (begin, mut count) = (places.len(), Count::default());
        while places.len() - begin < asked.wanted {
            let Some(row) = rows.next()? else {
                let is_whole = asked.after.is_some() || count == group.count;
                return if is_whole { Ok(()) } else { Err(bad_index()) };
            };
            let mut columns = Columns::new(row, "an index of rows", &"the list of rows");
            let place = Place::read(Order::Newest, &mut columns)?;
            count.add(place.id);
            let last = places.get(begin..).unwrap_or_default().last();
            if last.is_some_and(|last| !place.follows(last)) {
                return Err(bad_index());
            }
            if asked.is_reached(&place) && asked.is_candidate(place.id) {
                places.push(place);
            }
        }
        if asked.after.is_none() && count.rows == group.count.rows && count != group.count {
            return Err(bad_index());
        }
        Ok(())
    }

    /// Goes through all rows in the order of the list until it is full.
    fn walk(&self, asked: &Asked<'_>) -> Result<Vec<Place>, StoreError> {
        let order = asked.filter.order;
        let mut statement = self.conn.prepare_cached(walk_sql(order))?;
        let from = asked.filter.after.as_ref();
        let mut rows = match order {
            Order::Newest => statement.query([newest_from(asked.filter)])?,
            Order::Due => statement.query([from.map_or("", |at| due_text(at.due.as_deref()))])?,
            Order::Day => {
                statement.query([from.map_or(NEVER, |at| day_text(at.day.as_deref()))])?
            }
        };
        let mut places: Vec<Place> = Vec::new();
        let mut met = Met::none(&asked.groups);
        let mut fitting = 0;
        while places.len() < asked.wanted {
            let Some(row) = rows.next()? else {
                if asked.after.is_none() {
                    met.check(&asked.groups)?;
                    check_all_met(asked, fitting)?;
                }
                return Ok(places);
            };
            let mut columns = Columns::new(row, "an index of rows", &"the list of rows");
            let place = Place::read(order, &mut columns)?;
            let group: i64 = columns.next()?;
            met.add(group, place.id);
            let is_open = asked.groups.is_open(group).ok_or_else(bad_index)?;
            let fits = asked.is_candidate(place.id);
            fitting += usize::from(fits);
            if !(fits && is_open && asked.is_reached(&place)) {
                continue;
            }
            if places.last().is_some_and(|last| !place.follows(last)) {
                return Err(bad_index());
            }
            places.push(place);
        }
        Ok(places)
    }
}

/// Confirms that every candidate is a row.
fn check_all_met(asked: &Asked<'_>, fitting: usize) -> Result<(), StoreError> {
    let candidates = asked.candidates.as_ref();
    if candidates.is_none_or(|candidates| candidates.len() == fitting) {
        Ok(())
    } else {
        Err(bad_index())
    }
}

fn newest_from(filter: &RowFilter) -> i64 {
    filter.after.as_ref().map_or(i64::MAX, |at| at.updated_at.0)
}

pub(super) fn walk_sql(order: Order) -> &'static str {
    match order {
        Order::Newest => {
            "SELECT updated_at, record, id, of_group FROM rows INDEXED BY rows_newest \
             WHERE updated_at <= ?1 ORDER BY updated_at DESC, record"
        }
        Order::Due => {
            "SELECT due, record, id, of_group FROM rows INDEXED BY rows_due \
             WHERE due >= ?1 ORDER BY due, record"
        }
        Order::Day => {
            "SELECT day, record, id, of_group FROM rows INDEXED BY rows_day \
             WHERE day <= ?1 ORDER BY day DESC, record"
        }
    }
}

// Candidates: the rows that fit in one respect, by number.
impl Rows<'_> {
    /// Rows that fit in all that is asked beside space, kind and state; none if nothing is.
    fn candidates(
        &self,
        filter: &RowFilter,
        groups: &Groups,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        let mut sets = Vec::new();
        if let Some(target) = &filter.linked {
            sets.push(self.linked(target)?);
        }
        if let Some(person) = &filter.person {
            let mut ids = self.linked(&LinkTarget::Member(person.member))?;
            ids.extend(self.begun_by(&person.devices)?);
            sets.push(ids);
        }
        if let Some(devices) = &filter.created_by {
            sets.push(self.begun_by(devices)?);
        }
        if let Some(devices) = &filter.updated_by {
            sets.push(self.changed_by(devices)?);
        }
        if filter.only_conflicts {
            sets.push(self.conflicted(groups)?);
        }
        if filter.due_from.is_some() || filter.due_to.is_some() {
            sets.push(self.due_within(filter)?);
        }
        if filter.day_from.is_some() || filter.day_to.is_some() {
            sets.push(self.day_within(filter)?);
        }
        if filter.changed_after.is_some() || filter.changed_before.is_some() {
            sets.push(self.changed_within(filter, groups)?);
        }
        if let Some(kinds) = &filter.unchanged_since {
            sets.push(self.unchanged_since(kinds, groups)?);
        }
        if let Some(records) = &filter.records {
            sets.push(self.rows_of(records)?);
        }
        if let Some(search) = filter.words_wanted() {
            sets.push(self.rows_with(&search)?);
        }
        let sets = sets.into_iter().map(sorted);
        Ok(sets.reduce(|a, b| common(&a, &b)))
    }

    /// Rows that do not fit because of what must not be so.
    fn excluded(&self, filter: &RowFilter) -> Result<Vec<i64>, StoreError> {
        let mut ids = self.begun_by(&filter.not_created_by)?;
        for choice in filter.choices_unwanted() {
            ids.extend(self.rows_with(&choice)?);
        }
        if let Some(from) = &filter.not_led_from {
            ids.extend(self.led_to(from)?);
        }
        Ok(ids)
    }

    /// Rows that fields of such rows lead to.
    fn led_to(&self, from: &LedFrom) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::new();
        for leading in self.rows_for(&from.filter())? {
            for link in self.all_links_of(&leading.record)? {
                if let LinkTarget::Record(record) = link.target
                    && let Some(key) = self.find(&record)?.filter(|key| key.holds & ROW != 0)
                {
                    ids.push(key.id);
                }
            }
        }
        Ok(ids)
    }

    fn linked(&self, target: &LinkTarget) -> Result<Vec<i64>, StoreError> {
        let links = self.rows_linked_to(target)?.into_iter();
        Ok(links.map(|(id, _)| id).collect())
    }

    fn begun_by(&self, devices: &[DeviceId]) -> Result<Vec<i64>, StoreError> {
        self.by_devices(
            "SELECT id FROM rows INDEXED BY rows_creators WHERE created_by = ?1",
            "SELECT id FROM rows INDEXED BY rows_creators_again WHERE created_by = ?1",
            devices,
        )
    }

    fn changed_by(&self, devices: &[DeviceId]) -> Result<Vec<i64>, StoreError> {
        self.by_devices(
            "SELECT id FROM rows INDEXED BY rows_updaters WHERE updated_by = ?1",
            "SELECT id FROM rows INDEXED BY rows_updaters_again WHERE updated_by = ?1",
            devices,
        )
    }

    fn by_devices(
        &self,
        sql: &str,
        again: &str,
        devices: &[DeviceId],
    ) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::new();
        for device in devices {
            let found = self.ids(sql, [device.as_bytes()])?;
            let again = self.ids(again, [device.as_bytes()])?;
            ids.extend(agreed(found, again)?);
        }
        Ok(ids)
    }

    fn conflicted(&self, groups: &Groups) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::new();
        for group in groups.all().filter(|group| group.in_conflict > 0) {
            let found = self.ids(
                "SELECT id FROM rows INDEXED BY rows_conflicted \
                 WHERE of_group = ?1 AND conflicts > 0",
                [group.id],
            )?;
            let again = self.ids(
                "SELECT id FROM rows INDEXED BY rows_conflicted_again \
                 WHERE of_group = ?1 AND conflicts > 0",
                [group.id],
            )?;
            if found.len() as u64 != group.in_conflict {
                return Err(bad_index());
            }
            ids.extend(agreed(found, again)?);
        }
        Ok(ids)
    }

    fn due_within(&self, filter: &RowFilter) -> Result<Vec<i64>, StoreError> {
        self.within(
            "SELECT id FROM rows INDEXED BY rows_due \
             WHERE due >= ?1 AND due <= ?2 AND due <> '~'",
            "SELECT id FROM rows INDEXED BY rows_due_again \
             WHERE due >= ?1 AND due <= ?2 AND due <> '~'",
            (filter.due_from.as_deref(), filter.due_to.as_deref()),
        )
    }

    fn day_within(&self, filter: &RowFilter) -> Result<Vec<i64>, StoreError> {
        self.within(
            "SELECT id FROM rows INDEXED BY rows_day \
             WHERE day >= ?1 AND day <= ?2 AND day <> ''",
            "SELECT id FROM rows INDEXED BY rows_day_again \
             WHERE day >= ?1 AND day <= ?2 AND day <> ''",
            (filter.day_from.as_deref(), filter.day_to.as_deref()),
        )
    }

    /// Rows with a day from one to another, both included, as two indexes have it.
    fn within(
        &self,
        sql: &str,
        again: &str,
        (from, to): (Option<&str>, Option<&str>),
    ) -> Result<Vec<i64>, StoreError> {
        // Every day sorts after the one and before the other.
        let ends = [from.unwrap_or(NO_DAY), to.unwrap_or(NEVER)];
        agreed(self.ids(sql, ends)?, self.ids(again, ends)?)
    }

    fn changed_within(&self, filter: &RowFilter, groups: &Groups) -> Result<Vec<i64>, StoreError> {
        let first = |after: Millis| after.0.checked_add(1);
        let last = |before: Millis| before.0.checked_sub(1);
        let from = filter.changed_after.map_or(Some(i64::MIN), first);
        let to = filter.changed_before.map_or(Some(i64::MAX), last);
        let (Some(from), Some(to)) = (from, to) else {
            return Ok(Vec::new());
        };
        let found = self.ids(
            "SELECT id FROM rows INDEXED BY rows_newest \
             WHERE updated_at >= ?1 AND updated_at <= ?2",
            [from, to],
        )?;
        let mut again = Vec::new();
        for group in groups.all().filter(|group| group.count.rows > 0) {
            again.extend(self.ids(
                "SELECT id FROM rows INDEXED BY rows_of_group \
                 WHERE of_group = ?1 AND updated_at >= ?2 AND updated_at <= ?3",
                [group.id, from, to],
            )?);
        }
        agreed(found, again)
    }

    /// Rows of open groups that were changed earlier than their kinds say. Reads what is older than the latest
    /// of those moments, and nothing that is newer.
    fn unchanged_since(
        &self,
        kinds: &[(String, Millis)],
        groups: &Groups,
    ) -> Result<Vec<i64>, StoreError> {
        let last_of = |group: &Group| {
            let befores = kinds.iter().filter(|(kind, _)| *kind == group.kind);
            let last = befores.map(|(_, before)| before.0).max()?;
            Some((group.id, last.checked_sub(1)?))
        };
        let open = groups.open().filter(|group| group.count.rows > 0);
        let last: BTreeMap<i64, i64> = open.filter_map(last_of).collect();
        let Some(latest) = last.values().max() else {
            return Ok(Vec::new());
        };
        let mut statement = self.conn.prepare_cached(UNCHANGED)?;
        let mut rows = statement.query([latest])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "an index of rows", &"the list of rows");
            let id: i64 = columns.next()?;
            let group: i64 = columns.next()?;
            let updated_at: i64 = columns.next()?;
            if last.get(&group).is_some_and(|last| updated_at <= *last) {
                found.push(id);
            }
        }
        let mut again = Vec::new();
        for (group, last) in &last {
            again.extend(self.ids(
                "SELECT id FROM rows INDEXED BY rows_of_group \
                 WHERE of_group = ?1 AND updated_at <= ?2",
                [group, last],
            )?);
        }
        agreed(found, again)
    }

    /// Rows of these records, as far as they are here.
    fn rows_of(&self, records: &[RecordId]) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::new();
        for record in records {
            let key = self.find(record)?.filter(|key| key.holds & ROW != 0);
            ids.extend(key.map(|key| key.id));
        }
        Ok(ids)
    }

    fn ids(&self, sql: &str, key: impl Params) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(key)?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "an index of rows", &"the list of rows");
            ids.push(columns.next()?);
        }
        Ok(ids)
    }
}

/// What two indexes say alike, sorted.
fn agreed(found: Vec<i64>, again: Vec<i64>) -> Result<Vec<i64>, StoreError> {
    let found = sorted(found);
    if found == sorted(again) {
        Ok(found)
    } else {
        Err(bad_index())
    }
}

fn sorted(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What both lists hold; both are sorted.
fn common(a: &[i64], b: &[i64]) -> Vec<i64> {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let held = few.iter().filter(|id| many.binary_search(id).is_ok());
    held.copied().collect()
}
