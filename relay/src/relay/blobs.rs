//! Blobs: taken chunk by chunk with the group, told when they are durable as a whole.

use sync_core::blob::{BlobList, BlobName};
use sync_core::id::{CommunityId, DeviceId, LaneId};
use sync_core::session::blobs::BlobEvent;
use sync_core::store::StoreError;
use sync_core::wire::Refusal;
use sync_core::wire::blobs::{BLOBS_MAX, HaveBlobs, WireBlob};

use super::{Conn, ConnId, Failed, Group, Relay};
use crate::ledger::Reason;
use crate::log::BatchLog;

impl<L: BatchLog> Relay<L> {
    pub(super) fn take_blob(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        event: BlobEvent,
        group: &mut Group,
    ) {
        let done = match event {
            BlobEvent::Asked(lanes) => self.answer_blobs(conn, id, &lanes),
            BlobEvent::List(name, list) => self.take_offer(conn, id, name, &list, group),
            BlobEvent::Chunk { name, index, bytes } => {
                self.take_chunk(conn, id, name, (index, &bytes), group)
            }
            // A relay asks for nothing that is not offered.
            BlobEvent::Have(_) | BlobEvent::Stored(_) | BlobEvent::Refused(..) => Ok(()),
        };
        if let Err(error) = done {
            // Told with the others once the group has been rolled back.
            let community = group.is_open.then_some(*id);
            self.touch(id, group);
            group.failure.get_or_insert(Failed { error, community });
        }
    }

    fn answer_blobs(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        lanes: &[(LaneId, u64)],
    ) -> Result<(), StoreError> {
        let mut have = HaveBlobs::default();
        let tip = self.log.blob_tip(id)?;
        for (lane, after) in lanes {
            let room = BLOBS_MAX.saturating_sub(have.rows.len());
            let found = self.log.blobs_after(id, lane, *after, room)?;
            let is_all = found.len() < room;
            let last = found.last().map_or(*after, |(number, _)| *number);
            have.lanes
                .push((*lane, *after, if is_all { tip } else { last }));
            have.rows
                .extend(found.into_iter().map(|(_, name)| WireBlob::from(name)));
        }
        if let Some(session) = self.conns.get_mut(&conn).and_then(Conn::session_mut) {
            session.tell_blobs(have);
        }
        Ok(())
    }

    /// Takes an offer: says that the blob is here, asks for what is lacking of it, or refuses it.
    fn take_offer(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        name: BlobName,
        list: &BlobList,
        group: &mut Group,
    ) -> Result<(), StoreError> {
        let device = self.conns.get(&conn).map_or(DeviceId::ZERO, |it| it.device);
        let kept = self.log.blob(id, &name)?;
        let from = match &kept {
            Some(kept) if kept.is_whole() => {
                self.say(conn, |session| session.blob_stored(name));
                return Ok(());
            }
            Some(kept) => kept.here,
            None => {
                if let Err(refusal) = self.begin_blob(id, &name, list, &device, group)? {
                    self.count_refused(Reason::Refused(refusal), 1);
                    self.say(conn, |session| session.refuse_blob(name, refusal));
                    return Ok(());
                }
                0
            }
        };
        self.say(conn, |session| session.want_blob(name, from, true));
        Ok(())
    }

    fn begin_blob(
        &mut self,
        id: &CommunityId,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
        group: &mut Group,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let Some(carrying) = self.communities.get(id) else {
            return Ok(Err(Refusal::Internal));
        };
        let community = &carrying.community;
        let judged = community.judge_blob(name, list, by, &self.limits, &self.log)?;
        if judged.is_err() {
            return Ok(judged);
        }
        self.touch(id, group);
        self.open_group(group)?;
        if let Some(carrying) = self.communities.get_mut(id) {
            let community = &mut carrying.community;
            community.begin_blob(name, list, by, &mut self.log)?;
        }
        Ok(Ok(()))
    }

    fn take_chunk(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        name: BlobName,
        (index, sealed): (u32, &[u8]),
        group: &mut Group,
    ) -> Result<(), StoreError> {
        let kept = self.log.blob(id, &name)?;
        let refused = match &kept {
            None => Some(Refusal::Gap),
            // It came by two ways at once.
            Some(kept) if index < kept.here => return Ok(()),
            Some(kept) if index > kept.here => Some(Refusal::Gap),
            Some(kept) => kept
                .list
                .verify(index, sealed)
                .err()
                .map(|_| Refusal::BadSignature),
        };
        if let Some(refusal) = refused {
            self.count_refused(Reason::Refused(refusal), 1);
            self.say(conn, |session| session.refuse_blob(name, refusal));
            return Ok(());
        }
        self.touch(id, group);
        self.open_group(group)?;
        let kept = self.log.put_blob_chunk(id, &name, sealed)?;
        self.counters.bytes_stored += sealed.len() as u64;
        if kept.is_some_and(|kept| kept.is_whole()) {
            group.blobs.push((conn, *id, name));
        }
        Ok(())
    }

    /// Once a blob is durable as a whole, whoever brought it hears so, and the others that it is here.
    pub(super) fn tell_blobs(&mut self, group: &mut Group) {
        for (from, id, name) in std::mem::take(&mut group.blobs) {
            let Some(carrying) = self.communities.get(&id) else {
                continue;
            };
            let conns: Vec<ConnId> = carrying.conns.iter().copied().collect();
            for conn in conns {
                let is_bringer = conn == from;
                self.say(conn, |session| {
                    if is_bringer {
                        session.blob_stored(name);
                    } else if session.shares(&name.log.lane) {
                        session.tell_blobs(HaveBlobs {
                            rows: vec![name.into()],
                            lanes: Vec::new(),
                        });
                    }
                });
                group.stirred.insert(conn);
            }
        }
    }

    fn say(&mut self, conn: ConnId, say: impl FnOnce(&mut sync_core::session::Session)) {
        if let Some(session) = self.conns.get_mut(&conn).and_then(Conn::session_mut) {
            say(session);
        }
    }
}
