//! Where the fields of records lead, and what leads to a record or a member.
//!
//! The table lists a record's links; two indexes over it list what leads to one target, and each of
//! them confirms the other.

use rusqlite::params;

use crate::id::MemberId;
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, corrupt};
use super::read::Rows;
use super::records::ROW;

const RECORD: u8 = 1;
const MEMBER: u8 = 2;

/// target: one byte for what it is, then its id.
fn target_key(target: &LinkTarget) -> Vec<u8> {
    let (tag, id): (u8, &[u8]) = match target {
        LinkTarget::Record(record) => (RECORD, record.as_bytes()),
        LinkTarget::Member(member) => (MEMBER, member.as_bytes()),
    };
    [&[tag], id].concat()
}

fn target_of(key: &[u8]) -> Option<LinkTarget> {
    let (tag, id) = key.split_first()?;
    match *tag {
        RECORD => RecordId::try_from(id).ok().map(LinkTarget::Record),
        MEMBER => MemberId::try_from(id).ok().map(LinkTarget::Member),
        _ => None,
    }
}

pub(super) fn links_sum(links: &BTreeSet<RowLink>) -> i64 {
    let mut sum = Sum::of("links");
    for link in links {
        sum = sum
            .bytes(link.field.as_bytes())
            .bytes(&target_key(&link.target));
    }
    sum.done()
}

// Reading.
impl Rows<'_> {
    pub(super) fn all_links_of(&self, record: &RecordId) -> Result<BTreeSet<RowLink>, StoreError> {
        let Some(key) = self.find(record)?.filter(|key| key.holds & ROW != 0) else {
            return Ok(BTreeSet::new());
        };
        let spot = self.spot_of(&key)?;
        let mut statement = self
            .conn
            .prepare_cached("SELECT field, target FROM links WHERE id = ?1")?;
        let mut rows = statement.query([key.id])?;
        let mut links = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "a link", record);
            let field = columns.next()?;
            let target: Vec<u8> = columns.next()?;
            let target = target_of(&target).ok_or_else(|| columns.bad())?;
            links.insert(RowLink { field, target });
        }
        if links_sum(&links) == spot.links {
            Ok(links)
        } else {
            Err(corrupt("a link", record))
        }
    }

    pub(super) fn all_links_to(
        &self,
        target: &LinkTarget,
    ) -> Result<Vec<(RecordId, String)>, StoreError> {
        let mut links = Vec::new();
        for (id, field) in self.rows_linked_to(target)? {
            links.push((self.spot(id)?.record, field));
        }
        links.sort_unstable();
        Ok(links)
    }

    /// Numbers of rows with the field that leads to a target, by number and field.
    pub(super) fn rows_linked_to(
        &self,
        target: &LinkTarget,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let key = target_key(target);
        let found = self.links_by(
            "SELECT id, field FROM links INDEXED BY links_by_target WHERE target = ?1 \
             ORDER BY id, field",
            &key,
        )?;
        let again = self.links_by(
            "SELECT id, field FROM links INDEXED BY links_again WHERE target = ?1 \
             ORDER BY id, field",
            &key,
        )?;
        if found == again {
            Ok(found)
        } else {
            Err(corrupt("an index of links", "the list of links"))
        }
    }

    fn links_by(&self, sql: &str, key: &[u8]) -> Result<Vec<(i64, String)>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([key])?;
        let mut links = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "an index of links", &"the list of links");
            links.push((columns.next()?, columns.next()?));
        }
        Ok(links)
    }
}

// Writing.
impl Rows<'_> {
    pub(super) fn add_links(&self, id: i64, links: &BTreeSet<RowLink>) -> Result<(), StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("INSERT INTO links(id, field, target) VALUES (?1, ?2, ?3)")?;
        for link in links {
            statement.execute(params![id, link.field, target_key(&link.target)])?;
        }
        Ok(())
    }

    pub(super) fn remove_links(&self, id: i64) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM links WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }
}
