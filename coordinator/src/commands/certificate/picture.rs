//! A certificate to print: its lines, and the code that carries all of them with the signature.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use sync_core::certificate::SignedCertificate;

use super::lines;
use crate::failure::Failure;
use crate::text::Text;

/// Width of the picture.
const WIDTH: usize = 840;
const LINE: usize = 36;
/// Where the first line stands.
const TOP: usize = 130;
/// Least side of the code; phones scan it from paper at twice the size of a stamp.
const CODE: u32 = 380;
/// Room under the last line: each point of the code is a whole number wide, so it may come out larger.
const BELOW: usize = 900;

/// The picture, in SVG.
pub(super) fn svg(text: &Text, signed: &SignedCertificate) -> Result<String, Failure> {
    let letters = signed.text();
    let code = QrCode::with_error_correction_level(&letters, EcLevel::M);
    let code = code.map_err(Failure::internal)?;
    let code = code
        .render::<svg::Color<'_>>()
        .min_dimensions(CODE, CODE)
        .quiet_zone(true)
        .build();
    // Its own declaration has no place inside another picture.
    let code = code.find("<svg").and_then(|start| code.get(start..));
    let mut body = line(80, 32, &text.say("out.certificate.title"));
    let mut y = TOP;
    for (label, value) in lines(text, signed) {
        body += &line(y, 18, &format!("{label}  {value}"));
        y += LINE;
    }
    body += &line(y, 14, &text.say("out.certificate.how"));
    let height = y + BELOW;
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\">\n\
         <desc>{letters}</desc>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         {body}<g transform=\"translate(60 {top})\">{code}</g>\n</svg>\n",
        top = y + LINE,
        code = code.unwrap_or_default(),
    ))
}

/// A line of text of this size, at this height.
fn line(y: usize, size: usize, text: &str) -> String {
    let text = escaped(text);
    format!("<text x=\"60\" y=\"{y}\" font-size=\"{size}\">{text}</text>\n")
}

/// Names may have any sign; none of them becomes a part of the picture's code.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_become_code() {
        assert_eq!(
            escaped("<script>&\"\n"),
            "&lt;script&gt;&amp;&quot;\u{fffd}"
        );
    }
}
