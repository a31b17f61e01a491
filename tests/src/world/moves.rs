//! Which move comes next.

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::net::{Node, Side};
use super::{Outcome, World};

/// A thing that can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Create,
    SetTitle,
    SetOther,
    Type,
    EditTogether,
    MeetRelay,
    MeetPhone,
    MeetTwice,
    Seal,
    Cut,
    EndSession,
    Invite,
    Grant,
    Revoke,
    LoseKeys,
    Recover,
    Villain,
    AddSpace,
    TurnClock,
    KillPhone,
    KillNow,
    SwitchOn,
    FillDisk,
    KillRelay,
    SaveRelay,
    RollBackRelay,
    Lie,
    Backup,
    Restore,
    CopyPhone,
    Stranger,
    Forge,
    Rebuild,
    WriteStick,
    ReadStick,
    WriteLong,
}

/// Each move, and how often it happens among all.
const WEIGHTS: &[(Move, u32)] = &[
    (Move::Create, 14),
    (Move::SetTitle, 12),
    (Move::SetOther, 6),
    (Move::Type, 14),
    (Move::EditTogether, 6),
    (Move::MeetRelay, 14),
    (Move::MeetPhone, 12),
    (Move::MeetTwice, 3),
    (Move::Seal, 6),
    (Move::Cut, 6),
    (Move::EndSession, 3),
    (Move::Invite, 7),
    (Move::Grant, 4),
    (Move::Revoke, 3),
    (Move::LoseKeys, 1),
    (Move::Recover, 2),
    (Move::Villain, 6),
    (Move::AddSpace, 2),
    (Move::TurnClock, 2),
    (Move::KillPhone, 6),
    (Move::KillNow, 2),
    (Move::SwitchOn, 8),
    (Move::FillDisk, 3),
    (Move::KillRelay, 3),
    (Move::SaveRelay, 4),
    (Move::RollBackRelay, 4),
    (Move::Lie, 3),
    (Move::Backup, 3),
    (Move::Restore, 1),
    // Two copies of one store at work lose pending edits that build on the losing branch; until a
    // replica writes those again too, the world does not make copies.
    (Move::CopyPhone, 1),
    (Move::Stranger, 3),
    (Move::Forge, 3),
    (Move::Rebuild, 1),
    (Move::WriteStick, 5),
    (Move::ReadStick, 8),
    (Move::WriteLong, 2),
];

impl World {
    pub(super) fn make_move(&mut self) -> Outcome {
        let has_sticks = self.has_sticks;
        let weight = |(it, weight): &(Move, u32)| {
            let is_of_sticks = matches!(it, Move::WriteStick | Move::ReadStick | Move::WriteLong);
            if is_of_sticks && !has_sticks {
                0
            } else {
                *weight
            }
        };
        let chosen = WEIGHTS.choose_weighted(&mut self.rng, weight);
        let chosen = chosen.map_or(Move::Create, |(chosen, _)| *chosen);
        self.tell(format!("{chosen:?}"));
        match chosen {
            Move::Create => self.create_somewhere(),
            Move::SetTitle => self.edit_somewhere(Self::set_title),
            Move::SetOther => self.edit_somewhere(Self::set_choice),
            Move::Type => self.edit_somewhere(Self::type_text),
            Move::EditTogether => self.edit_together(),
            Move::MeetRelay => self.meet_relay(),
            Move::MeetPhone => self.meet_phone(1),
            Move::MeetTwice => self.meet_phone(2),
            Move::Seal => self.seal_somewhere(),
            Move::Cut => self.cut_somewhere(),
            Move::EndSession => self.end_somewhere(),
            Move::Invite => self.invite_somebody(),
            Move::Grant => self.grant_somebody(),
            Move::Revoke => self.revoke_somebody(),
            Move::LoseKeys => self.lose_keys(),
            Move::Recover => self.recover(),
            Move::Villain => self.villain_acts(),
            Move::AddSpace => self.add_space_somewhere(),
            Move::TurnClock => self.turn_a_clock(),
            Move::KillPhone => self.plan_kill(),
            Move::KillNow => self.kill_now(),
            Move::SwitchOn => self.switch_one_on(),
            Move::FillDisk => self.fill_a_disk(),
            Move::KillRelay => self.kill_relay(),
            Move::SaveRelay => {
                self.save_relay();
                Ok(())
            }
            Move::RollBackRelay => self.roll_relay_back(),
            Move::Lie => self.relay_lies(),
            Move::Backup => self.back_up(),
            Move::Restore => self.restore(),
            Move::CopyPhone => self.copy_a_phone(),
            Move::Stranger => self.stranger_comes(),
            Move::Forge => self.forger_comes(),
            Move::Rebuild => self.rebuild_one(),
            Move::WriteStick => self.write_stick(),
            Move::ReadStick => self.read_stick(),
            Move::WriteLong => self.write_long(),
        }
    }

    /// One of them; none of nothing.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.choose(&mut self.rng).copied()
    }

    fn meet_relay(&mut self) -> Outcome {
        let phones = self.phones_on();
        let Some(phone) = self.pick(&phones) else {
            return Ok(());
        };
        self.tell(format!("  phone {phone} dials the relay"));
        self.dial(phone, Node::Relay).map(drop)
    }

    fn meet_phone(&mut self, times: usize) -> Outcome {
        let phones = self.phones_on();
        let (Some(one), Some(other)) = (self.pick(&phones), self.pick(&phones)) else {
            return Ok(());
        };
        if self.phone(one).device() == self.phone(other).device() {
            return Ok(());
        }
        for _ in 0..times {
            self.tell(format!("  phone {one} dials phone {other}"));
            self.dial(one, Node::Phone(other))?;
        }
        Ok(())
    }

    /// What the shell does every 50 ms while it is live.
    fn seal_somewhere(&mut self) -> Outcome {
        let phones = self.phones_on();
        let Some(phone) = self.pick(&phones) else {
            return Ok(());
        };
        self.seal(phone)
    }

    pub(super) fn seal(&mut self, index: usize) -> Outcome {
        let now = self.now;
        let phone = self.phone(index);
        let sealed = phone.with(now, |replica, moment| replica.seal_pending(moment));
        let has_faults = phone.has_faults;
        self.after(index)?;
        match sealed {
            Some(Err(error)) if !has_faults => {
                super::broken!("phone {index} could not seal: {error}")
            }
            Some(Ok(_) | Err(_)) | None => self.pump(index),
        }
    }

    fn cut_somewhere(&mut self) -> Outcome {
        let ids = self.net.ids();
        let Some(id) = self.pick(&ids) else {
            return Ok(());
        };
        self.net.cut(id, &mut self.rng);
        self.close_if_over(id)
    }

    fn end_somewhere(&mut self) -> Outcome {
        let phones = self.phones_on();
        let Some(index) = self.pick(&phones) else {
            return Ok(());
        };
        let ids: Vec<_> = self.phone(index).talks.keys().copied().collect();
        let Some(id) = self.pick(&ids) else {
            return Ok(());
        };
        if let Some(peer) = self
            .phone(index)
            .talks
            .get_mut(&id)
            .and_then(|talk| talk.peer.as_mut())
        {
            peer.end();
        }
        self.pump(index)
    }

    fn turn_a_clock(&mut self) -> Outcome {
        const YEAR: i64 = 365 * 24 * 3_600_000;
        let index = self.rng.random_range(0..self.phones.len());
        let drift = self.rng.random_range(-60 * YEAR..=60 * YEAR);
        self.phone(index).drift = drift;
        Ok(())
    }

    fn rebuild_one(&mut self) -> Outcome {
        let phones = self.phones_on();
        let Some(index) = self.pick(&phones) else {
            return Ok(());
        };
        self.check_rebuild(index)
    }

    /// Cuts everything at once.
    pub(super) fn cut_all(&mut self) -> Outcome {
        for id in self.net.ids() {
            self.net.cut(id, &mut self.rng);
            for side in Side::BOTH {
                self.net.deafen(id, side);
            }
            self.close_if_over(id)?;
        }
        Ok(())
    }
}
