//! A community is taken up again with its sheet.

use super::*;
use crate::replica::mind::meta;
use crate::roster::recovery::RecoverySheet;

/// A founder, a visit, and the sheet.
fn office() -> (Phone, LaneId, RecoverySheet) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let signer = Arc::new(DeviceKeys::generate(&mut rng));
    let store = Box::new(MemoryStore::new());
    let mut moment = Moment {
        now: Millis(1),
        rng: &mut rng,
    };
    let founding = Replica::found(store, signer, "丹灶", "李芳", &[], &mut moment).unwrap();
    let sheet = RecoverySheet {
        community: founding.replica.community(),
        secret: founding.recovery.into(),
        relays: Vec::new(),
    };
    let mut founder = Phone {
        replica: founding.replica,
        rng,
        now: 2,
    };
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let space = founder.replica.add_space("良登村", moment).unwrap();
    visit(&mut founder, space);
    (founder, space, sheet)
}

fn recovered(sheet: &RecoverySheet) -> Phone {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let signer = Arc::new(DeviceKeys::generate(&mut rng));
    let store = Box::new(MemoryStore::new());
    let mut moment = Moment {
        now: Millis(3),
        rng: &mut rng,
    };
    let replica = Replica::recover(store, signer, sheet, "李芳", &mut moment).unwrap();
    Phone {
        replica,
        rng,
        now: 4,
    }
}

#[test]
fn recovered_phone_keeps_neither_secret_of_the_sheet() {
    let (mut founder, _, sheet) = office();
    let mut phone = recovered(&sheet);
    let (signing, sealing) = sheet.keys().to_secrets();
    let kept = |phone: &Phone| {
        let bytes = phone.replica.store().meta(meta::TICKET).unwrap().unwrap();
        let has = |secret: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        (
            has(sheet.secret.as_slice()) || has(signing.expose()),
            has(sealing.expose()),
        )
    };
    assert_eq!(
        kept(&phone),
        (false, true),
        "it must open what the sheet opens"
    );
    meet(&mut phone, &mut founder);
    meet(&mut phone, &mut founder);
    assert_eq!(phone.titles().len(), 1, "what the sheet opens is shown");
    assert_eq!(kept(&phone), (false, false));
}

#[test]
fn recovered_phone_reads_what_is_written_after_it_forgot_the_sheet() {
    let (mut founder, space, sheet) = office();
    let mut phone = recovered(&sheet);
    meet(&mut phone, &mut founder);
    meet(&mut phone, &mut founder);
    visit(&mut founder, space);
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let other = founder.replica.add_space("紫南村", moment).unwrap();
    visit(&mut founder, other);
    meet(&mut phone, &mut founder);
    meet(&mut phone, &mut founder);
    assert_eq!(phone.titles().len(), 3);
}
