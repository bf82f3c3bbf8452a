//! Texts that look random: nobody writes these by hand.

use super::placeholder::{entropy, has_sequence, is_placeholder};

/// The least entropy of a text that counts as random, in bits for each byte.
/// English has 2.6, random Base64 of 32 characters 4.7 on average.
const LEAST_ENTROPY: f64 = 4.2;

/// Whether `value` looks like a key that a generator made: letters of both
/// cases and digits, well mixed, and none of what else looks like that.
pub(super) fn is_random(value: &str) -> bool {
    (24..=200).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
        && is_mixed(value)
        && !is_known_form(value)
        && !has_sequence(value)
        && !is_placeholder(value)
        && entropy(value) >= LEAST_ENTROPY
}

/// Random text changes between letters of either case and digits all the time,
/// a text of words only at their ends.
fn is_mixed(value: &str) -> bool {
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let mut counts = [0_usize; 4];
    for byte in value.bytes() {
        counts[kind(byte)] += 1;
    }
    let changes = value
        .as_bytes()
        .windows(2)
        .filter(|pair| kind(pair[0]) != kind(pair[1]))
        .count();
    let [lower, upper, digits, others] = counts;
    lower >= 4
        && upper >= 4
        && digits >= 2
        && others * 5 <= value.len()
        && changes * 100 >= value.len() * 45
}

/// Checksums, public keys and the like: random to look at, and public.
fn is_known_form(value: &str) -> bool {
    value.starts_with("sha1-")
        || value.starts_with("sha256-")
        || value.starts_with("sha384-")
        || value.starts_with("sha512-")
        || value.starts_with("AAAA") // a public key of OpenSSH, a WebAssembly module's zeros
        || value.starts_with("MII") // a certificate or public key in DER
        || value.starts_with("_ZN")
        || value.starts_with("_R")
        || value.contains("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_look_random() {
        for value in [
            "k7Qz9wLm2Rt5Xv8Bn4Jd6Hs1Pf3Gy0Ca",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzB5q",
        ] {
            assert!(is_random(value), "{value}");
        }
    }

    #[test]
    fn words_alphabets_and_checksums_do_not() {
        for value in [
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            "application/vnd.api+json-v2-something-Else",
            "ThisIsAVeryLongCamelCaseIdentifier2Name",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "550e8400-e29b-41d4-a716-446655440000",
            "sha256-k7Qz9wLm2Rt5Xv8Bn4Jd6Hs1Pf3Gy0Ca",
            "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE",
            "CARGO_PKG_VERSION_MAJOR_AND_MINOR_1",
        ] {
            assert!(!is_random(value), "{value}");
        }
    }
}
