//! The rows of the view, in groups: one space's records of one kind, newest change first.

use std::cmp::Reverse;

use rusqlite::{Row, params};

use crate::id::Millis;
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, corrupt, int};
use super::read::{Rows, Tally};
use super::records::{Key, ROW};

pub(super) struct Group {
    id: i64,
    pub(super) space: LaneId,
    pub(super) kind: String,
    pub(super) records: u64,
    pub(super) in_conflict: u64,
}

/// Where a row stands in its group.
struct Place {
    updated_at: i64,
    record: RecordId,
    id: i64,
    group: usize,
}

impl Group {
    fn sum(&self) -> Sum {
        Sum::of("groups")
            .signed(self.id)
            .bytes(self.space.as_bytes())
            .bytes(self.kind.as_bytes())
            .int(self.records)
            .int(self.in_conflict)
    }

    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::new(row, "a count of rows", &"the list of groups");
        let group = Self {
            id: columns.next()?,
            space: columns.next()?,
            kind: columns.next()?,
            records: columns.next()?,
            in_conflict: columns.next()?,
        };
        columns.check(group.sum())?;
        Ok(group)
    }
}

fn row_sum(id: i64, row: &ViewRow) -> Sum {
    Sum::of("rows")
        .signed(id)
        .bytes(row.record.as_bytes())
        .bytes(row.kind.as_bytes())
        .bytes(row.space.as_bytes())
        .bytes(row.created_by.as_bytes())
        .signed(row.created_at.0)
        .bytes(row.updated_by.as_bytes())
        .signed(row.updated_at.0)
        .int(u64::from(row.conflicts))
        .bytes(row.title.as_bytes())
        .bytes(row.fields.as_bytes())
}

// Reading.
impl Rows<'_> {
    pub(super) fn row_of(&self, record: &RecordId) -> Result<Option<ViewRow>, StoreError> {
        let Some(key) = self.find(record)?.filter(|key| key.holds & ROW != 0) else {
            return Ok(None);
        };
        self.row_by_id(key.id, record).map(Some)
    }

    fn row_by_id(&self, id: i64, record: &RecordId) -> Result<ViewRow, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT g.space, g.kind, r.record, r.created_by, r.created_at, r.updated_by, \
             r.updated_at, r.conflicts, r.title, r.fields, r.sum \
             FROM rows r JOIN groups g ON g.id = r.of_group WHERE r.id = ?1",
        )?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a row", record));
        };
        let mut columns = Columns::new(row, "a row", record);
        let space = columns.next()?;
        let kind = columns.next()?;
        let row = ViewRow {
            space,
            kind,
            record: columns.next()?,
            created_by: columns.next()?,
            created_at: Millis(columns.next()?),
            updated_by: columns.next()?,
            updated_at: Millis(columns.next()?),
            conflicts: columns.next()?,
            title: columns.next()?,
            fields: columns.next()?,
        };
        columns.check(row_sum(id, &row))?;
        if row.record == *record {
            Ok(row)
        } else {
            Err(columns.bad())
        }
    }

    /// All groups, by space and kind, empty ones too.
    pub(super) fn all_groups(&self) -> Result<Vec<Group>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, space, kind, records, in_conflict, sum FROM groups")?;
        let mut rows = statement.query([])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            groups.push(Group::of(row)?);
        }
        self.check_tally(Tally::Groups, groups.len() as u64)?;
        groups.sort_unstable_by(|a, b| (a.space, &a.kind).cmp(&(b.space, &b.kind)));
        Ok(groups)
    }

    pub(super) fn rows_for(&self, filter: &RowFilter) -> Result<Vec<ViewRow>, StoreError> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let wanted = limit.saturating_add(filter.offset);
        let groups: Vec<Group> = self
            .all_groups()?
            .into_iter()
            .filter(|group| filter.kind.as_ref().is_none_or(|kind| *kind == group.kind))
            .filter(|group| filter.space.is_none_or(|space| space == group.space))
            .collect();
        let mut places = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            self.newest_of(group, index, filter.only_conflicts, wanted, &mut places)?;
        }
        places.sort_by_key(|place| (Reverse(place.updated_at), place.record));
        let mut rows = Vec::new();
        for place in places.iter().skip(filter.offset).take(limit) {
            let row = self.row_by_id(place.id, &place.record)?;
            let fits = groups
                .get(place.group)
                .is_some_and(|group| group.space == row.space && group.kind == row.kind);
            if !fits || row.updated_at.0 != place.updated_at {
                return Err(corrupt("an index of rows", place.record));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// The newest rows of one group, from the index alone.
    fn newest_of(
        &self,
        group: &Group,
        index: usize,
        only_conflicts: bool,
        wanted: usize,
        places: &mut Vec<Place>,
    ) -> Result<(), StoreError> {
        let (sql, all) = if only_conflicts {
            (
                "SELECT updated_at, record, id FROM rows INDEXED BY rows_conflicted \
                 WHERE of_group = ?1 AND conflicts > 0 ORDER BY updated_at DESC, record LIMIT ?2",
                group.in_conflict,
            )
        } else {
            (
                "SELECT updated_at, record, id FROM rows INDEXED BY rows_newest \
                 WHERE of_group = ?1 ORDER BY updated_at DESC, record LIMIT ?2",
                group.records,
            )
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![group.id, limit])?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "an index of rows", &"the list of rows");
            let place = Place {
                updated_at: columns.next()?,
                record: columns.next()?,
                id: columns.next()?,
                group: index,
            };
            let after = |last: &Place| {
                (Reverse(last.updated_at), last.record) < (Reverse(place.updated_at), place.record)
            };
            if found > 0 && !places.last().is_some_and(after) {
                return Err(columns.bad());
            }
            found += 1;
            places.push(place);
        }
        if found == all.min(wanted as u64) {
            Ok(())
        } else {
            Err(corrupt("an index of rows", "the list of rows"))
        }
    }
}

// Writing.
impl Rows<'_> {
    pub(super) fn put_row(&self, row: &ViewRow) -> Result<(), StoreError> {
        let (key, group) = match self.look_up(&row.record)? {
            Some(key) if key.holds & ROW != 0 => {
                let group = self.change_group(&key, row)?;
                (key, group)
            }
            Some(mut key) => {
                key.holds |= ROW;
                self.write_key(&key)?;
                (key, self.join_group(row)?)
            }
            None => {
                let key = self.insert_key(&row.record, ROW, 0)?;
                (key, self.join_group(row)?)
            }
        };
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO rows(id, record, of_group, created_by, created_at, \
                 updated_by, updated_at, conflicts, sum, title, fields) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                key.id,
                row.record.as_bytes(),
                group,
                row.created_by.as_bytes(),
                row.created_at.0,
                row.updated_by.as_bytes(),
                row.updated_at.0,
                row.conflicts,
                row_sum(key.id, row).done(),
                row.title,
                row.fields,
            ])?;
        Ok(())
    }

    /// Counts a row into its group; returns the group's number.
    fn join_group(&self, row: &ViewRow) -> Result<i64, StoreError> {
        let in_conflict = u64::from(row.conflicts > 0);
        let mut statement = self.conn.prepare_cached(
            "SELECT id, space, kind, records, in_conflict, sum FROM groups \
             WHERE space = ?1 AND kind = ?2",
        )?;
        let mut rows = statement.query(params![row.space.as_bytes(), row.kind])?;
        if let Some(found) = rows.next()? {
            let mut group = Group::of(found)?;
            group.records += 1;
            group.in_conflict += in_conflict;
            self.write_group(&group)?;
            return Ok(group.id);
        }
        let count = self.tally(Tally::Groups)? + 1;
        let group = Group {
            id: int(count)?,
            space: row.space,
            kind: row.kind.clone(),
            records: 1,
            in_conflict,
        };
        self.conn
            .prepare_cached(
                "INSERT INTO groups(id, space, kind, records, in_conflict, sum) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                group.id,
                group.space.as_bytes(),
                group.kind,
                int(group.records)?,
                int(group.in_conflict)?,
                group.sum().done(),
            ])?;
        self.set_tally(Tally::Groups, count)?;
        Ok(group.id)
    }

    /// Counts a record's row out of its group.
    /// Moves a row that is there to the group that it belongs to now; most stay where they are.
    fn change_group(&self, key: &Key, row: &ViewRow) -> Result<i64, StoreError> {
        let (group, was_in_conflict) = self.group_of(key)?;
        let stays = group.space == row.space && group.kind == row.kind;
        if stays && was_in_conflict == (row.conflicts > 0) {
            return Ok(group.id);
        }
        self.leave(group, was_in_conflict)?;
        self.join_group(row)
    }

    pub(super) fn leave_group(&self, key: &Key) -> Result<(), StoreError> {
        let (group, was_in_conflict) = self.group_of(key)?;
        self.leave(group, was_in_conflict)
    }

    fn leave(&self, mut group: Group, was_in_conflict: bool) -> Result<(), StoreError> {
        group.records = group.records.saturating_sub(1);
        group.in_conflict = group.in_conflict.saturating_sub(u64::from(was_in_conflict));
        self.write_group(&group)
    }

    /// The group that a row is counted in, and whether it is as one in conflict.
    fn group_of(&self, key: &Key) -> Result<(Group, bool), StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT g.id, g.space, g.kind, g.records, g.in_conflict, g.sum, r.conflicts > 0 \
             FROM rows r JOIN groups g ON g.id = r.of_group WHERE r.id = ?1",
        )?;
        let mut rows = statement.query([key.id])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a row", key.record));
        };
        Ok((Group::of(row)?, row.get(6)?))
    }

    fn write_group(&self, group: &Group) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "UPDATE groups SET records = ?2, in_conflict = ?3, sum = ?4 WHERE id = ?1",
            )?
            .execute(params![
                group.id,
                int(group.records)?,
                int(group.in_conflict)?,
                group.sum().done(),
            ])?;
        Ok(())
    }
}
