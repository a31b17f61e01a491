//! From a file's bytes to text: UTF-8 with or without a mark, UTF-16 with one, or GB18030.

use encoding_rs::{Encoding, GB18030, UTF_8};

use crate::exit::Exit;
use crate::failure::Failure;

/// The text of a file, without its mark.
///
/// A file with no mark that is not UTF-8 is taken for GB18030, unless most of its wide characters are
/// sound UTF-8: then it is UTF-8 with a damaged place, and reading it otherwise would make nonsense of it.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Failure> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
        let name = encoding.name();
        return text
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| damaged(name, if encoding == UTF_8 { rest } else { &[] }));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if is_mostly_utf8(bytes) => Err(damaged(UTF_8.name(), bytes)),
        Err(_) => GB18030
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| Failure::new(Exit::BadFile, "err.import.encoding")),
    }
}

fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sound, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    sound > broken
}

/// Names the line of the first byte that does not fit.
fn damaged(encoding: &'static str, bytes: &[u8]) -> Failure {
    let sound = match std::str::from_utf8(bytes) {
        Ok(_) => None,
        Err(error) => bytes.get(..error.valid_up_to()),
    };
    let Some(sound) = sound else {
        return Failure::new(Exit::BadFile, "err.import.damaged").with("encoding", encoding);
    };
    let line = 1 + sound.iter().filter(|byte| **byte == b'\n').count();
    Failure::new(Exit::BadFile, "err.import.damaged_at")
        .with("encoding", encoding)
        .with("line", line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "住户,日期\n3号门 王奶奶,2026-03-04\n";

    #[test]
    fn utf8_is_read_with_and_without_mark() {
        assert_eq!(decode(TEXT.as_bytes()).unwrap(), TEXT);
        assert_eq!(decode(format!("\u{feff}{TEXT}").as_bytes()).unwrap(), TEXT);
    }

    #[test]
    fn gb18030_and_utf16_are_read() {
        let (bytes, _, _) = GB18030.encode(TEXT);
        assert_eq!(decode(&bytes).unwrap(), TEXT);
        let utf16: Vec<u8> = [0xfeff]
            .into_iter()
            .chain(TEXT.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decode(&utf16).unwrap(), TEXT);
    }

    #[test]
    fn damaged_utf8_is_not_taken_for_gb18030() {
        let place = TEXT.find("奶").unwrap();
        for mark in ["", "\u{feff}"] {
            let mut bytes = format!("{mark}{TEXT}").into_bytes();
            bytes[place + mark.len()] ^= 0x40;
            let failure = decode(&bytes).unwrap_err();
            assert_eq!(failure.exit(), Exit::BadFile);
            assert!(
                format!("{failure:?}").contains("\"line\", \"2\""),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn bytes_of_no_encoding_are_refused() {
        assert!(decode(&[0xff, 0xff, 0xff, b'\n']).is_err());
    }
}
