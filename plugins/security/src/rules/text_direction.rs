//! Characters that turn the direction of text around: with them code reads
//! differently from what is compiled (CVE-2021-42574). No code needs one; a
//! text that does can write it as `\u{202e}`.

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;

use super::Facts;

pub(super) fn check(facts: &Facts<'_>, report: &mut Report) {
    // All of them begin with this byte; most files have none of it.
    if !facts.file.text().as_bytes().contains(&0xe2) {
        return;
    }
    for (line, text) in (1..).zip(facts.file.text().lines()) {
        for (column, c) in (1..).zip(text.chars()) {
            if matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
                let message = format!(
                    "a character that turns text around (U+{:04X}) makes code read differently \
                     from what is compiled; write it as an escape",
                    u32::from(c)
                );
                report.add(
                    "text-direction",
                    Severity::High,
                    Position { line, column },
                    message,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn hidden_marks_are_found_and_escapes_are_not() {
        let text = "// fine: ä – “ok”\nconst A: &str = \"\\u{202e}\";\n// \u{202e} evil\n";
        assert_eq!(found(text), ["text-direction high 3:4"]);
    }
}
