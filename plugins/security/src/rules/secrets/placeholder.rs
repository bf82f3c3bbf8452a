//! Texts that stand where a secret would, but are none.

/// Parts of texts that nobody would use as a secret.
const MARKS: &[&str] = &[
    "example",
    "sample",
    "placeholder",
    "redacted",
    "changeme",
    "change_me",
    "change-me",
    "dummy",
    "fake",
    "mock",
    "insert",
    "replace",
    "todo",
    "fixme",
    "xxxx",
    "****",
    "....",
    "test",
    "demo",
    "your",
    "123456",
    "00000",
    "abcdef",
    "deadbeef",
    "secret",
    "password",
    "passwd",
    "token",
    "hunter2",
    "foobar",
    "notreal",
    "not-real",
    "invalid",
];

/// Whether `text` is a stand-in: it says so, holds a template's brackets, or
/// repeats itself.
pub(super) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
        || text.contains(['<', '>', '{', '}', '$', '%', '…'])
        || distinct(text) < 5
}

/// How many different characters `text` has.
fn distinct(text: &str) -> usize {
    let mut seen = [0_u64; 4];
    for byte in text.bytes() {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// Shannon's entropy of the bytes of `text`, in bits for each byte.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Whether `text` counts upwards somewhere, as alphabets and tables do.
pub(super) fn has_sequence(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut run = 1;
    for pair in bytes.windows(2) {
        run = if pair[1] == pair[0].wrapping_add(1) {
            run + 1
        } else {
            1
        };
        if run >= 5 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_known() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxx",
            "<key>",
            "{token}",
            "aaaa1111",
            "Changeme1!",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["k7Qz9wLm2Rt5", "AKIAJ7QWERTZ2PLMNBVC"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn entropy_is_shannons() {
        assert!(entropy("aaaa").abs() < 1e-9);
        assert!((entropy("abcd") - 2.0).abs() < 1e-9);
        assert!((entropy("aabb") - 1.0).abs() < 1e-9);
    }

    #[test]
    fn alphabets_have_sequences() {
        assert!(has_sequence("xABCDEx"));
        assert!(has_sequence("01234"));
        assert!(!has_sequence("ABCD9876"));
    }
}
