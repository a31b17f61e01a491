//! Who types on which phone, and what it must have got before: worked out before anything is typed.

use std::rc::Rc;

use crate::exit::Exit;
use crate::failure::Failure;

use super::trace::{Trace, Txn};

/// Most phones that one replay uses; each has a store of its own.
const PHONES_MAX: usize = 64;

/// For every phone, how many of its transactions there are.
type Counts = Rc<Vec<usize>>;

/// The order of things.
#[derive(Debug)]
pub(super) struct Plan {
    /// Phones by number: whose each is. The first founds the community.
    pub(super) phones: Vec<usize>,
    /// One for each transaction.
    pub(super) steps: Vec<Step>,
}

/// How one transaction is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// On which phone.
    pub(super) phone: usize,
    /// What the phone is handed before: from which phone, up to how many of that phone's transactions.
    pub(super) deliver: Vec<(usize, usize)>,
    /// Some phone needs what this phone has typed up to and with this, and nothing after it: it is
    /// sealed now, so that no batch holds both.
    pub(super) seal_after: bool,
}

/// What is known of a transaction that has been placed: its phone, its number there, and how much of
/// the others' work is behind it.
#[derive(Debug, Clone)]
struct Placed {
    phone: usize,
    number: usize,
    behind: Counts,
}

#[derive(Debug, Default)]
struct Planner {
    phones: Vec<usize>,
    /// What each phone has merged, its own work too.
    merged: Vec<Counts>,
    /// Each phone's transactions, by number in the trace.
    typed: Vec<Vec<usize>>,
    placed: Vec<Placed>,
    steps: Vec<Step>,
}

impl Plan {
    /// Works out the order of things.
    pub(super) fn of(trace: &Trace) -> Result<Self, Failure> {
        let mut planner = Planner::default();
        for (index, txn) in trace.txns.iter().enumerate() {
            planner.place(index, txn)?;
        }
        Ok(Self {
            phones: planner.phones,
            steps: planner.steps,
        })
    }
}

fn count(counts: &[usize], phone: usize) -> usize {
    counts.get(phone).copied().unwrap_or(0)
}

fn is_within(counts: &[usize], all: &[usize]) -> bool {
    counts
        .iter()
        .enumerate()
        .all(|(phone, n)| *n <= count(all, phone))
}

impl Planner {
    fn place(&mut self, index: usize, txn: &Txn) -> Result<(), Failure> {
        let behind = self.behind(txn);
        let phone = match self.free_phone(txn.agent, &behind) {
            Some(phone) => phone,
            None => self.add_phone(txn.agent, index)?,
        };
        let before = self.merged.get(phone).cloned().unwrap_or_default();
        let mut deliver = Vec::new();
        for (from, needed) in behind.iter().enumerate() {
            if from != phone && *needed > count(&before, from) {
                deliver.push((from, *needed));
                self.mark_seal(from, *needed);
            }
        }
        let number = count(&behind, phone) + 1;
        let mut merged = Rc::unwrap_or_clone(Rc::clone(&behind));
        if merged.len() <= phone {
            merged.resize(phone + 1, 0);
        }
        if let Some(own) = merged.get_mut(phone) {
            *own = number;
        }
        if let Some(slot) = self.merged.get_mut(phone) {
            *slot = Rc::new(merged);
        }
        if let Some(typed) = self.typed.get_mut(phone) {
            typed.push(index);
        }
        self.placed.push(Placed {
            phone,
            number,
            behind,
        });
        self.steps.push(Step {
            phone,
            deliver,
            seal_after: false,
        });
        Ok(())
    }

    /// Everything that a transaction builds on.
    fn behind(&self, txn: &Txn) -> Counts {
        let mut parents = txn
            .parents
            .iter()
            .filter_map(|parent| self.placed.get(*parent));
        if let ([_], Some(parent)) = (txn.parents.as_slice(), parents.clone().next())
            && let Some(merged) = self.merged.get(parent.phone)
            && count(merged, parent.phone) == parent.number
        {
            // The parent is the last thing typed on its phone: what that has merged is behind us.
            return Rc::clone(merged);
        }
        let mut all: Vec<usize> = Vec::new();
        for parent in parents.by_ref() {
            if all.len() <= parent.phone.max(parent.behind.len()) {
                all.resize(parent.phone.max(parent.behind.len()) + 1, 0);
            }
            for (slot, n) in all.iter_mut().zip(parent.behind.iter()) {
                *slot = (*slot).max(*n);
            }
            if let Some(slot) = all.get_mut(parent.phone) {
                *slot = (*slot).max(parent.number);
            }
        }
        Rc::new(all)
    }

    /// A phone of the agent that has merged nothing but what is behind the transaction, and has typed
    /// nothing that is not; of several the one that has the most.
    fn free_phone(&self, agent: usize, behind: &[usize]) -> Option<usize> {
        let phones = self.phones.iter().zip(&self.merged).enumerate();
        phones
            .filter(|(phone, (of, merged))| {
                **of == agent
                    && count(merged, *phone) == count(behind, *phone)
                    && is_within(merged, behind)
            })
            .max_by_key(|(phone, (_, merged))| (merged.iter().sum::<usize>(), usize::MAX - phone))
            .map(|(phone, _)| phone)
    }

    fn add_phone(&mut self, agent: usize, index: usize) -> Result<usize, Failure> {
        if self.phones.len() == PHONES_MAX {
            return Err(Failure::new(Exit::BadTrace, "err.trace.phones")
                .with("txn", index)
                .with("n", PHONES_MAX));
        }
        self.phones.push(agent);
        self.merged.push(Counts::default());
        self.typed.push(Vec::new());
        Ok(self.phones.len() - 1)
    }

    fn mark_seal(&mut self, phone: usize, number: usize) {
        let last = number.checked_sub(1);
        let index = last
            .and_then(|last| self.typed.get(phone)?.get(last))
            .copied();
        if let Some(step) = index.and_then(|index| self.steps.get_mut(index)) {
            step.seal_after = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use sync_core::id::Millis;

    use super::*;

    fn plan(txns: &[(usize, &[usize])]) -> Plan {
        let txns = txns.iter().map(|(agent, parents)| Txn {
            parents: parents.to_vec(),
            agent: *agent,
            at: Millis(0),
            patches: Vec::new(),
        });
        Plan::of(&Trace {
            end: String::new(),
            agents: 9,
            txns: txns.collect(),
        })
        .unwrap()
    }

    #[test]
    fn two_who_take_turns_hand_over_what_is_new() {
        let plan = plan(&[(0, &[]), (0, &[0]), (1, &[1]), (0, &[1]), (1, &[2, 3])]);
        assert_eq!(plan.phones, [0, 1]);
        let deliver: Vec<_> = plan.steps.iter().map(|step| step.deliver.clone()).collect();
        assert_eq!(
            deliver,
            [vec![], vec![], vec![(0, 2)], vec![], vec![(0, 3)]]
        );
        let seals: Vec<bool> = plan.steps.iter().map(|step| step.seal_after).collect();
        assert_eq!(seals, [false, true, false, true, false]);
    }

    #[test]
    fn part_of_a_run_is_sealed_apart_from_the_rest() {
        // The second person builds on the first of three.
        let plan = plan(&[(0, &[]), (0, &[0]), (0, &[1]), (1, &[0])]);
        assert_eq!(plan.steps[3].deliver, [(0, 1)]);
        assert!(plan.steps[0].seal_after && !plan.steps[1].seal_after);
    }

    #[test]
    fn agent_who_types_from_two_states_gets_two_phones() {
        let plan = plan(&[(0, &[]), (0, &[]), (0, &[0, 1]), (0, &[1])]);
        assert_eq!(
            plan.steps.iter().map(|step| step.phone).collect::<Vec<_>>(),
            [0, 1, 0, 1]
        );
        assert_eq!(plan.phones, [0, 0]);
        assert_eq!(plan.steps[2].deliver, [(1, 1)]);
    }

    #[test]
    fn phone_that_has_merged_more_than_the_parents_is_not_used() {
        // Agent 0 merges the other's work, then types again from before that.
        let plan = plan(&[(0, &[]), (1, &[]), (0, &[0, 1]), (0, &[0])]);
        assert_eq!(plan.phones, [0, 1, 0]);
        assert_eq!(
            plan.steps[3],
            Step {
                phone: 2,
                deliver: vec![(0, 1)],
                seal_after: false
            }
        );
    }
}
