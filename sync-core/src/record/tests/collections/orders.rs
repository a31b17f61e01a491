//! Three people at work on one set and one list: any order of the same changes gives the same record.

use proptest::prelude::*;

use super::*;

/// What one of three people does; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Meet(usize, usize),
    Add(usize, usize),
    Remove(usize, usize),
    Whole(usize, u8),
    Insert(usize, usize, usize),
    Take(usize, usize),
    Tick(usize, usize, bool),
    Write(usize, usize, String),
    Move(usize, usize, usize),
    Form(usize, Vec<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, nth) = (0..3_usize, 0..8_usize);
    prop_oneof![
        2 => (who.clone(), who.clone()).prop_map(|(from, to)| Step::Meet(from, to)),
        1 => (who.clone(), nth.clone()).prop_map(|(who, n)| Step::Add(who, n)),
        1 => (who.clone(), nth.clone()).prop_map(|(who, n)| Step::Remove(who, n)),
        1 => (who.clone(), any::<u8>()).prop_map(|(who, bits)| Step::Whole(who, bits)),
        2 => (who.clone(), nth.clone(), 1..3_usize).prop_map(|(who, at, n)| Step::Insert(who, at, n)),
        1 => (who.clone(), nth.clone()).prop_map(|(who, n)| Step::Take(who, n)),
        1 => (who.clone(), nth.clone(), any::<bool>()).prop_map(|(who, n, done)| Step::Tick(who, n, done)),
        1 => (who.clone(), nth.clone(), "[一二三四a-d]{0,5}").prop_map(|(who, n, words)| Step::Write(who, n, words)),
        1 => (who.clone(), nth.clone(), nth.clone()).prop_map(|(who, n, at)| Step::Move(who, n, at)),
        1 => (who, prop::collection::vec(nth, 0..4)).prop_map(|(who, order)| Step::Form(who, order)),
    ]
}

const PEOPLE: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

impl Step {
    /// Whose edit it is, and what; `None` if they only meet or there is nothing to do it to.
    fn edit(&self, docs: &[RecordDoc; 3]) -> Option<(usize, FieldEdit)> {
        let items = |who: usize| agenda(&docs[who]);
        let item_at = |who: usize, n: usize| {
            let items = items(who);
            let picked = n.checked_rem(items.len())?;
            items[picked].id
        };
        let place = |who: usize, at: usize| match at % 3 {
            0 => Place::First,
            1 => Place::Last,
            _ => item_at(who, at).map_or(Place::Last, Place::After),
        };
        Some(match self {
            Self::Meet(..) => return None,
            Self::Add(who, n) => (*who, add(&[PEOPLE[*n]])),
            Self::Remove(who, n) => (*who, remove(&[PEOPLE[*n]])),
            Self::Whole(who, bits) => {
                let of: Vec<&str> = (0..8)
                    .filter(|n| bits >> n & 1 == 1)
                    .map(|n| PEOPLE[n])
                    .collect();
                (*who, set("attendees", Value::Set(elements(&of))))
            }
            Self::Insert(who, at, n) => (*who, insert(place(*who, *at), &["新", "又"][..*n])),
            Self::Take(who, n) => (*who, item(ItemEdit::Remove(item_at(*who, *n)?))),
            Self::Tick(who, n, done) => {
                let (of, done) = (item_at(*who, *n)?, *done);
                (*who, item(ItemEdit::Tick { item: of, done }))
            }
            Self::Write(who, n, words) => {
                let (of, text) = (item_at(*who, *n)?, words.clone());
                (*who, item(ItemEdit::Write { item: of, text }))
            }
            Self::Move(who, n, at) => {
                let (of, place) = (item_at(*who, *n)?, place(*who, *at));
                (*who, item(ItemEdit::Move { item: of, place }))
            }
            Self::Form(who, order) => {
                let items = items(*who);
                let picked = order
                    .iter()
                    .filter_map(|n| items.get(n % items.len().max(1)));
                let mut wanted: Vec<Item> = picked.cloned().collect();
                wanted.push(Item::new("表"));
                (*who, set("agenda", Value::List(wanted)))
            }
        })
    }
}

/// Lets three people work; returns every change, and how each saw the record after making it.
fn village(steps: &[Step]) -> Vec<Candidate> {
    let (doc, first) = planned();
    let mut docs = [doc.clone(), doc.clone(), doc];
    let mut all = vec![first];
    for step in steps {
        if let Step::Meet(from, to) = step {
            let is_news = |change: &&Candidate| {
                let hash = crate::record::change_hash(&change.chunk).unwrap();
                docs[*from].has_change(&hash) && !docs[*to].has_change(&hash)
            };
            let news: Vec<Candidate> = all.iter().filter(is_news).cloned().collect();
            merge(&mut docs[*to], &news);
            continue;
        }
        let Some((who, edit)) = step.edit(&docs) else {
            continue;
        };
        let before = attendees(&docs[who]);
        let by = u8::try_from(who + 1).unwrap();
        let made = try_write(&mut docs[who], by, std::slice::from_ref(&edit)).unwrap();
        let after = attendees(&docs[who]);
        match &edit.value {
            Edit::Set(Value::Set(wanted)) => assert_eq!(&after, wanted),
            Edit::Add(more) => assert_eq!(after, &before | more),
            Edit::Remove(less) => assert_eq!(after, &before - less),
            Edit::Set(Value::List(wanted)) => {
                let found = agenda(&docs[who]);
                // One name twice in a form is one item.
                let names: BTreeSet<_> = wanted.iter().map(|item| item.id).collect();
                assert_eq!(found.len(), names.len());
            }
            Edit::Set(_) | Edit::Item(_) => assert_eq!(after, before),
        }
        all.extend(made);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_of_the_same_changes_gives_the_same_sets_and_lists(
        steps in prop::collection::vec(step(), 1..40),
        turn in any::<prop::sample::Index>(),
        group in 1..7_usize,
    ) {
        let mut changes = village(&steps);
        let mut whole = RecordDoc::new();
        merge(&mut whole, &changes);
        let turn = turn.index(changes.len());
        changes.rotate_left(turn);
        changes.reverse();
        let mut apart = RecordDoc::new();
        let mut waiting: Vec<Candidate> = Vec::new();
        for group in changes.chunks(group) {
            let offered = [std::mem::take(&mut waiting), group.to_vec()].concat();
            let verdicts = apart.apply(&offered);
            for (one, verdict) in offered.into_iter().zip(verdicts) {
                match verdict {
                    Verdict::Merged => {}
                    Verdict::Waiting(_) => waiting.push(one),
                    Verdict::Known | Verdict::Held(_) => panic!("{verdict:?}"),
                }
            }
        }
        prop_assert!(waiting.is_empty());
        prop_assert_eq!(shown(&apart), shown(&whole));
        let ids: Vec<Option<ItemId>> = agenda(&whole).iter().map(|item| item.id).collect();
        let distinct: BTreeSet<_> = ids.iter().copied().collect();
        prop_assert_eq!(ids.len(), distinct.len());
        let loaded = RecordDoc::load(&whole.save(), std::iter::empty()).unwrap();
        prop_assert_eq!(shown(&loaded), shown(&whole));
    }
}
