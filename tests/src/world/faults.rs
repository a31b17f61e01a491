//! Kills, full disks, yesterday's copies, two phones with one store, strangers and forgers.

use std::collections::BTreeSet;

use rand::{Rng, RngExt};
use sync_core::id::{DeviceId, Incarnation};
use sync_core::store::MemoryStore;
use sync_core::store::fault::FaultKind;
use sync_core::wire::{Digest, Frame, Hello, PeerKind, VERSION_MAX, VERSION_MIN};

use super::net::{ConnId, Node, Side};
use super::phone::{Backup, Life, Phone, identity};
use super::{Flaw, Outcome, World};

/// Frames that are kept for a forger to alter.
const TAPE_MAX: usize = 64;
/// Strangers' keys lie beyond those of phones.
const STRANGERS: u64 = 900;

impl World {
    /// The program of a phone ends, in the middle of whatever it was doing.
    pub(super) fn crash(&mut self, index: usize) -> Outcome {
        self.tell(format!("  phone {index} is killed"));
        self.summary.kills += 1;
        let talks = std::mem::take(&mut self.phone(index).talks);
        for (id, talk) in talks {
            self.net.cut(id, &mut self.rng);
            self.net.deafen(id, talk.side);
            self.close_if_over(id)?;
        }
        let flaw = self.flaw;
        let phone = self.phone(index);
        phone.switch_off()?;
        if flaw == Flaw::CommitLies
            && let Some(backup) = &phone.backup
        {
            phone.life = Life::Off(Box::new(backup.store.clone()));
        }
        Ok(())
    }

    /// The program will die at one of the next writes of its store.
    pub(super) fn plan_kill(&mut self) -> Outcome {
        let kind = self.pick(&[FaultKind::KillBefore, FaultKind::KillAfterCommit]);
        self.plan_fault(kind, 30)
    }

    pub(super) fn fill_a_disk(&mut self) -> Outcome {
        let kind = self.pick(&[FaultKind::Full, FaultKind::Io]);
        self.plan_fault(kind, 12)
    }

    fn plan_fault(&mut self, kind: Option<FaultKind>, within: u64) -> Outcome {
        let phones = self.phones_on();
        let (Some(index), Some(kind)) = (self.pick(&phones), kind) else {
            return Ok(());
        };
        let number = self.rng.random_range(1..=within);
        self.tell(format!(
            "  phone {index}: {kind:?} at write {number} from here"
        ));
        let phone = self.phone(index);
        phone.has_faults = true;
        if let Some(disk) = phone.disk() {
            disk.fail_at(number, kind);
        }
        Ok(())
    }

    pub(super) fn kill_now(&mut self) -> Outcome {
        let phones = self.phones_on();
        match self.pick(&phones) {
            Some(index) => self.crash(index),
            None => Ok(()),
        }
    }

    pub(super) fn switch_one_on(&mut self) -> Outcome {
        let phones = self.phones.iter().enumerate();
        let off: Vec<usize> = phones
            .filter(|(_, phone)| !phone.is_on() && !phone.is_lost)
            .map(|(index, _)| index)
            .collect();
        match self.pick(&off) {
            Some(index) => self.switch_on(index),
            None => self.hub_starts(),
        }
    }

    pub(super) fn switch_on(&mut self, index: usize) -> Outcome {
        self.tell(format!("  phone {index} begins again"));
        let phone = self.phone(index);
        phone.has_faults = false;
        phone.switch_on()
    }

    pub(super) fn back_up(&mut self) -> Outcome {
        let edits = self.oracle.written.len();
        let phones = self.phones_on();
        let Some(index) = self.pick(&phones) else {
            return Ok(());
        };
        let has_pending = self
            .replica(index)?
            .pending_count()
            .is_ok_and(|pending| pending > 0);
        let phone = self.phone(index);
        if phone.is_dead() || phone.has_faults {
            return Ok(());
        }
        let store = phone.copy_of_disk()?;
        // What was not sealed yet may be sealed twice, here and in the copy.
        let edits = if has_pending { 0 } else { edits };
        phone.backup = Some(Backup { store, edits });
        self.tell(format!("  phone {index}'s store is copied"));
        Ok(())
    }

    /// A phone breaks and goes on from its last copy. What only it had is lost with it.
    pub(super) fn restore(&mut self) -> Outcome {
        let index = self.rng.random_range(0..self.phones.len());
        let phone = self.phone(index);
        if phone.is_steward || phone.is_lost {
            return Ok(());
        }
        let Some(backup) = phone.backup.take() else {
            return Ok(());
        };
        self.crash(index)?;
        self.tell(format!("  phone {index} goes on from its copy"));
        self.summary.copies += 1;
        self.oracle.doubt(index, backup.edits);
        if backup.edits == 0 {
            // What the lost life sealed may come to light when the new one has written it again.
            let siblings = self.siblings_of(index);
            self.oracle.note_copy(&siblings);
        }
        let phone = self.phone(index);
        phone.life = Life::Off(Box::new(backup.store));
        phone.is_doubtful = true;
        self.switch_on(index)
    }

    /// The phones that have the same keys.
    pub(super) fn siblings_of(&mut self, index: usize) -> BTreeSet<usize> {
        let device = self.phone(index).device();
        let phones = self.phones.iter().enumerate();
        let same = phones.filter(|(_, phone)| phone.device() == device);
        same.map(|(number, _)| number).collect()
    }

    /// Two phones run with one store, and write at the same positions.
    pub(super) fn copy_a_phone(&mut self) -> Outcome {
        let edits = self.oracle.written.len();
        let members = self.members_on();
        let Some(index) = self.pick(&members) else {
            return Ok(());
        };
        let phone = self.phone(index);
        if phone.is_steward || phone.is_dead() || phone.has_faults {
            return Ok(());
        }
        let has_pending = self
            .replica(index)?
            .pending_count()
            .is_ok_and(|pending| pending > 0);
        let number = self.phones.len();
        let phone = self.phone(index);
        let store: MemoryStore = phone.copy_of_disk()?;
        phone.is_doubtful = true;
        let keys = std::sync::Arc::clone(&phone.keys);
        let (is_cut_off, invite) = (phone.is_cut_off, phone.invite);
        let sponsors = phone.sponsors.clone();
        self.tell(format!("  phone {number} is a copy of phone {index}"));
        self.summary.copies += 1;
        self.oracle
            .doubt(index, if has_pending { 0 } else { edits });
        let siblings = self.siblings_of(index);
        self.oracle.note_copy(&siblings);
        let (_, rng) = identity(self.seed, number as u64);
        let mut copy = Phone::new(keys, rng, Life::Off(Box::new(store)));
        copy.is_doubtful = true;
        copy.is_cut_off = is_cut_off;
        copy.invite = invite;
        copy.sponsors = sponsors;
        self.phones.push(copy);
        if self.oracle.is_cut_off(index) {
            self.oracle.cut_off(number);
        }
        self.switch_on(number)
    }

    /// Keeps a few frames for the forger.
    pub(super) fn tape(&mut self, frames: &[Vec<u8>]) {
        for frame in frames {
            if self.tape.len() >= TAPE_MAX {
                self.tape.pop_front();
            }
            self.tape.push_back(frame.clone());
        }
    }

    /// Somebody without a membership dials and says something.
    pub(super) fn stranger_comes(&mut self) -> Outcome {
        let number = STRANGERS + self.rng.random_range(0..10);
        let (keys, _) = identity(self.seed, number);
        self.intrude(sync_core::keys::Signer::device(&*keys))
    }

    /// Somebody holds a member's key, and says what no honest program says.
    pub(super) fn forger_comes(&mut self) -> Outcome {
        let members: Vec<DeviceId> = self.phones.iter().map(Phone::device).collect();
        match self.pick(&members) {
            Some(device) => self.intrude(device),
            None => Ok(()),
        }
    }

    fn intrude(&mut self, device: DeviceId) -> Outcome {
        let mut victims: Vec<Node> = self.phones_on().into_iter().map(Node::Phone).collect();
        victims.extend(self.hub.device_if_on().map(|_| Node::Relay));
        let Some(victim) = self.pick(&victims) else {
            return Ok(());
        };
        if self.device_at(victim) == Some(device) {
            return Ok(());
        }
        self.tell(format!("  {} dials {victim:?} and lies", device.short()));
        let id = self.net.open(Node::Stranger, victim);
        self.intruders.insert(id, device);
        match victim {
            Node::Phone(index) => self.await_hello(index, id),
            Node::Relay => self.hub_opened(id, device)?,
            Node::Stranger => {}
        }
        if self.rng.random_ratio(2, 3) {
            let hello = self.false_hello()?;
            self.send(id, Side::Dialer, &hello);
        }
        for _ in 0..self.rng.random_range(0..6) {
            let bytes = self.false_bytes();
            self.net
                .send(id, Side::Dialer, &bytes, self.now, &mut self.rng);
        }
        let end = self.now + 5_000;
        self.flow(end)?;
        self.net.cut(id, &mut self.rng);
        self.intruders.remove(&id);
        self.close_if_over(id)
    }

    fn false_hello(&mut self) -> Outcome<Frame> {
        let community = match self.phones.iter().find_map(Phone::replica) {
            Some(replica) => replica.community(),
            None => sync_core::id::CommunityId::ZERO,
        };
        let join = self.rng.random_ratio(1, 2).then(|| self.noise(200).into());
        Ok(Frame::Hello(Hello {
            blobs: None,
            store: None,
            receipts: None,
            tip: None,
            read: None,
            version_min: VERSION_MIN,
            version_max: VERSION_MAX,
            community,
            kind: if self.rng.random() {
                PeerKind::Member
            } else {
                PeerKind::Relay
            },
            nonce: [7; 8].into(),
            digest: Digest(self.rng.random()),
            incarnation: Incarnation::new(self.rng.random()),
            join,
            lanes: None,
        }))
    }

    fn noise(&mut self, len_max: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.random_range(0..=len_max)];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// Noise, or a frame that was really sent with a few bytes altered.
    fn false_bytes(&mut self) -> Vec<u8> {
        let taped: Vec<usize> = (0..self.tape.len()).collect();
        let chosen = self
            .pick(&taped)
            .and_then(|index| self.tape.get(index).cloned());
        let Some(mut frame) = chosen.filter(|_| self.rng.random_ratio(4, 5)) else {
            return self.noise(400);
        };
        for _ in 0..self.rng.random_range(0..3) {
            let index = self.rng.random_range(0..frame.len().max(1));
            if let Some(byte) = frame.get_mut(index) {
                *byte = self.rng.random();
            }
        }
        let mut bytes = Vec::new();
        sync_core::entry::codec::put_varint(&mut bytes, frame.len() as u64);
        bytes.extend_from_slice(&frame);
        bytes
    }

    /// The key that an intruder has shown.
    pub(super) fn stranger_device(&self, id: ConnId) -> DeviceId {
        self.intruders.get(&id).copied().unwrap_or(DeviceId::ZERO)
    }
}
