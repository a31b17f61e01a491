use proptest::prelude::*;

use super::*;
use crate::keys::{DeviceKeys, Secret};

/// Those of the fixtures' device.
fn keys() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([6; 32]), Secret::new([7; 32]))
}

/// The fixtures' certificate.
fn sample() -> Certificate {
    let text = include_str!("../../../tests/fixtures/v1/certificate.txt");
    let signed: SignedCertificate = text.parse().unwrap();
    signed.certificate().clone()
}

#[test]
fn text_is_read_in_either_case_and_out_of_a_file() {
    let signed = sample().sign(&keys()).unwrap();
    let text = signed.text();
    let typed = format!(" {}\n{}", &text[..30].to_ascii_lowercase(), &text[30..]);
    assert_eq!(typed.parse(), Ok(signed));
    let file = format!("<svg><desc>{text}</desc></svg>");
    assert_eq!(SignedCertificate::text_in(&file), Some(text.as_str()));
    assert_eq!(SignedCertificate::text_in("none"), None);
}

#[test]
fn every_wrong_letter_is_found() {
    let text = sample().sign(&keys()).unwrap().text();
    for position in 0..text.len() {
        let mut letters = text.clone().into_bytes();
        letters[position] = if letters[position] == b'A' {
            b'B'
        } else {
            b'A'
        };
        let wrong = String::from_utf8(letters).unwrap();
        assert!(wrong.parse::<SignedCertificate>().is_err(), "{position}");
        assert!(text[..position].parse::<SignedCertificate>().is_err());
    }
    let newer = text.replacen("E1", "E2", 1);
    assert_eq!(
        newer.parse::<SignedCertificate>(),
        Err(ParseCertificateError::Newer)
    );
    let other = "banyan1abc".parse::<SignedCertificate>();
    assert_eq!(other, Err(ParseCertificateError::NotACertificate));
}

#[test]
fn whoever_changes_the_content_has_no_signature_for_it() {
    let honest = sample().sign(&keys()).unwrap();
    let changed = Certificate {
        minutes: 9999,
        ..sample()
    };
    let forged = SignedCertificate {
        content: minicbor::to_vec(&changed).unwrap(),
        certificate: changed,
        signature: honest.signature,
    };
    let read = forged.text().parse::<SignedCertificate>();
    assert_eq!(read, Err(ParseCertificateError::Forged));
    // A signature by the same key for another purpose does not count.
    let content = minicbor::to_vec(sample()).unwrap();
    let other = SignedCertificate {
        signature: keys().sign(&content).unwrap(),
        certificate: sample(),
        content,
    };
    let read = other.text().parse::<SignedCertificate>();
    assert_eq!(read, Err(ParseCertificateError::Forged));
}

#[test]
fn what_cannot_be_certified_is_not_signed() {
    let with = |change: &dyn Fn(&mut Certificate)| {
        let mut certificate = sample();
        change(&mut certificate);
        certificate.sign(&keys()).map(|_| ())
    };
    let long = with(&|it| it.name = "名".repeat(300));
    assert_eq!(long, Err(SignCertificateError::TooLong));
    for from in ["2026-07-01", "2026-1-1", "", "yesterday"] {
        let wrong = with(&|it| it.from = from.to_owned());
        assert_eq!(wrong, Err(SignCertificateError::Period), "{from}");
    }
    let other = with(&|it| it.issuer = DeviceId::new([9; 32]));
    assert_eq!(other, Err(SignCertificateError::OtherIssuer));
}

#[test]
fn longest_certificate_fits_a_code() {
    // A QR code of the lowest level of repair holds 4,296 letters; phones read half of that well.
    let bytes = CERTIFICATE_BYTES_MAX + 16;
    assert!(PREFIX.len() + bytes.div_ceil(5) * 8 < 1_600);
}

proptest! {
    #[test]
    fn certificates_survive_their_text_form(
        name in "\\PC{0,40}", number in "[a-z0-9-]{1,20}", minutes: u64, records: u64, issued_at: i64,
        seed: [u8; 32], title in proptest::option::of("\\PC{0,40}"),
    ) {
        let keys = DeviceKeys::from_secrets(&Secret::new(seed), Secret::new([1; 32]));
        let issuer = keys.device();
        let certificate = Certificate { name, number, minutes, records, issued_at, title, issuer, ..sample() };
        let signed = certificate.clone().sign(&keys).unwrap();
        let read: SignedCertificate = signed.text().parse().unwrap();
        prop_assert_eq!(read.certificate(), &certificate);
        prop_assert_eq!(read, signed);
    }

    #[test]
    fn no_text_ends_the_program(text in "\\PC{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        // Refused: a signature is not guessed.
        prop_assert!(text.parse::<SignedCertificate>().is_err());
        let wrapped = Wrapped { content: bytes.into(), signature: [0; 64].into() };
        prop_assert!(write_text(PREFIX, &wrapped).parse::<SignedCertificate>().is_err());
    }
}
