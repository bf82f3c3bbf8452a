//! Secrets that show what they are: the shapes that issuers give their tokens.

use super::placeholder::{entropy, is_placeholder};
use ringfence_sdk::Severity;

/// The characters that the part after the prefix is made of.
#[derive(Clone, Copy)]
enum Alphabet {
    UpperDigits,
    Hex,
    AlphaDigits,
    /// Letters, digits, `-`, `_`.
    Url,
    /// Letters, digits, `+`, `/`, `=`.
    Base64,
    /// Letters, digits, `-`, `_`, `.`.
    Dotted,
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::UpperDigits => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::AlphaDigits => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
        }
    }
}

struct Shape {
    prefix: &'static str,
    what: &'static str,
    alphabet: Alphabet,
    /// How long the part after the prefix is.
    least: usize,
    most: usize,
    severity: Severity,
}

const fn shape(
    prefix: &'static str,
    what: &'static str,
    alphabet: Alphabet,
    (least, most): (usize, usize),
    severity: Severity,
) -> Shape {
    Shape {
        prefix,
        what,
        alphabet,
        least,
        most,
        severity,
    }
}

/// As the issuers document them. Where two prefixes fit, the longer is first.
const SHAPES: &[Shape] = {
    use Alphabet::{AlphaDigits, Base64, Dotted, Hex, UpperDigits, Url};
    use Severity::{Critical, High, Low};
    &[
        shape("AKIA", "an AWS access key id", UpperDigits, (16, 16), High),
        shape(
            "ASIA",
            "a temporary AWS access key id",
            UpperDigits,
            (16, 16),
            High,
        ),
        shape("github_pat_", "a GitHub token", Url, (82, 82), Critical),
        shape("ghp_", "a GitHub token", AlphaDigits, (36, 36), Critical),
        shape(
            "gho_",
            "a GitHub OAuth token",
            AlphaDigits,
            (36, 36),
            Critical,
        ),
        shape(
            "ghu_",
            "a GitHub user token",
            AlphaDigits,
            (36, 36),
            Critical,
        ),
        shape(
            "ghs_",
            "a GitHub server token",
            AlphaDigits,
            (36, 36),
            Critical,
        ),
        shape(
            "ghr_",
            "a GitHub refresh token",
            AlphaDigits,
            (36, 76),
            Critical,
        ),
        shape("glpat-", "a GitLab token", Url, (20, 60), Critical),
        shape("xoxb-", "a Slack bot token", Url, (20, 120), Critical),
        shape("xoxp-", "a Slack user token", Url, (20, 120), Critical),
        shape("xoxa-", "a Slack app token", Url, (20, 120), Critical),
        shape("xoxr-", "a Slack refresh token", Url, (20, 120), Critical),
        shape("xapp-1-", "a Slack app token", Url, (20, 160), Critical),
        shape(
            "hooks.slack.com/services/T",
            "a Slack webhook",
            Base64,
            (30, 60),
            High,
        ),
        shape(
            "sk_live_",
            "a Stripe secret key",
            AlphaDigits,
            (16, 247),
            Critical,
        ),
        shape(
            "rk_live_",
            "a Stripe restricted key",
            AlphaDigits,
            (16, 247),
            Critical,
        ),
        shape("sk_test_", "a Stripe test key", AlphaDigits, (16, 247), Low),
        shape("whsec_", "a webhook signing secret", Base64, (24, 80), High),
        shape("AIza", "a Google API key", Url, (35, 35), High),
        shape(
            "GOCSPX-",
            "a Google OAuth client secret",
            Url,
            (28, 28),
            Critical,
        ),
        shape("sk-ant-", "an Anthropic API key", Url, (80, 120), Critical),
        shape("sk-proj-", "an OpenAI API key", Url, (40, 200), Critical),
        shape("npm_", "an npm token", AlphaDigits, (36, 36), Critical),
        shape(
            "pypi-AgEIcHlwaS5vcmc",
            "a PyPI token",
            Url,
            (50, 250),
            Critical,
        ),
        shape(
            "hf_",
            "a Hugging Face token",
            AlphaDigits,
            (34, 34),
            Critical,
        ),
        shape("dop_v1_", "a DigitalOcean token", Hex, (64, 64), Critical),
        shape("SG.", "a SendGrid API key", Dotted, (60, 70), Critical),
        shape("shpat_", "a Shopify access token", Hex, (32, 32), Critical),
        shape("dapi", "a Databricks token", Hex, (32, 32), Critical),
        shape("hvs.", "a Vault token", Url, (24, 200), Critical),
        shape(
            "AGE-SECRET-KEY-1",
            "an age secret key",
            UpperDigits,
            (58, 58),
            Critical,
        ),
        shape(
            "AccountKey=",
            "an Azure storage key",
            Base64,
            (88, 88),
            Critical,
        ),
        shape("eyJ", "a JSON web token", Dotted, (60, 4_000), High),
    ]
};

/// The shapes that begin with each byte, a bit for each shape: most places begin
/// none.
const BEGIN: [u64; 256] = {
    assert!(SHAPES.len() <= u64::BITS as usize);
    let mut begin = [0; 256];
    let mut index = 0;
    while index < SHAPES.len() {
        begin[SHAPES[index].prefix.as_bytes()[0] as usize] |= 1 << index;
        index += 1;
    }
    begin
};

/// The subject of the token that every text about JSON web tokens shows.
const WELL_KNOWN_JWT: &str = "eyJzdWIiOiIxMjM0NTY3ODkw";

/// A token that was recognised.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) what: &'static str,
    pub(super) severity: Severity,
    /// As much of it as may be shown.
    pub(super) masked: String,
}

/// All tokens in `text`, which may be a whole file.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let boundary = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let hit = if boundary { shape_at(bytes, at) } else { None };
        let Some((shape, len)) = hit else {
            at += 1;
            continue;
        };
        let body = &text[at + shape.prefix.len()..at + len];
        if is_genuine(shape, body) {
            found.push(Token {
                start: at,
                what: shape.what,
                severity: shape.severity,
                masked: format!("{}… ({len} characters)", shape.prefix),
            });
        }
        at += len;
    }
    found
}

fn shape_at(bytes: &[u8], at: usize) -> Option<(&'static Shape, usize)> {
    let rest = &bytes[at..];
    let begin = BEGIN[usize::from(bytes[at])];
    if begin == 0 {
        return None;
    }
    let shapes = SHAPES.iter().enumerate();
    let shapes = shapes.filter(|(index, _)| begin >> index & 1 != 0);
    shapes.map(|(_, shape)| shape).find_map(|shape| {
        let body = rest.strip_prefix(shape.prefix.as_bytes())?;
        let len = body
            .iter()
            .take(shape.most + 1)
            .take_while(|byte| shape.alphabet.has(**byte))
            .count();
        (shape.least..=shape.most)
            .contains(&len)
            .then_some((shape, shape.prefix.len() + len))
    })
}

fn is_genuine(shape: &Shape, body: &str) -> bool {
    // A random text of 16 characters out of 16 hardly ever has less.
    if is_placeholder_body(body) || entropy(body) < 2.8 {
        return false;
    }
    match shape.prefix {
        "eyJ" => is_jwt(body),
        "SG." => body.len() == 66 && body.as_bytes().get(22) == Some(&b'.'),
        // Tokens of these kinds always have digits; identifiers that only
        // begin alike (`xoxb-something-or-other`) mostly have none.
        _ => body.bytes().any(|byte| byte.is_ascii_digit()),
    }
}

/// Random text can hold a short word by chance, so only what is long or loud
/// counts here.
fn is_placeholder_body(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    [
        "example",
        "xxxx",
        "placeholder",
        "redacted",
        "123456",
        "00000",
        "abcdef",
        "aaaa",
        "....",
    ]
    .iter()
    .any(|mark| lower.contains(mark))
        || (body.len() < 40 && is_placeholder(body))
}

fn is_jwt(body: &str) -> bool {
    let mut parts = body.split('.');
    let (Some(_), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    claims.starts_with("eyJ") && !claims.starts_with(WELL_KNOWN_JWT) && signature.len() >= 20
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner of this repository stumbles.
    fn sample(prefix: &str, body: &str) -> String {
        format!("{prefix}{body}")
    }

    const RANDOM: &str = "k7Qz9wLm2Rt5Xv8Bn4Jd6Hs1Pf3Gy0CaEuIo\
                          T9rW2qY5kM8nZ1xV4bL7cD0fS3gH6jK";

    #[test]
    fn tokens_are_known_by_their_shape() {
        let cases = [
            (sample("AKIA", "J7QW3RTZ2PLMNBVC"), "an AWS access key id"),
            (sample("ghp_", &RANDOM[..36]), "a GitHub token"),
            (
                sample("xoxb-", "2318459021-k7Qz9wLm2Rt5"),
                "a Slack bot token",
            ),
            (sample("sk_live_", &RANDOM[..24]), "a Stripe secret key"),
            (sample("AIza", &RANDOM[..35]), "a Google API key"),
            (
                sample(
                    "eyJhbGciOiJSUzI1NiJ9.",
                    &format!("eyJpc3MiOiJqb2UifQ.{}", &RANDOM[..43]),
                ),
                "a JSON web token",
            ),
        ];
        for (token, what) in cases {
            let text = format!("let x = \"{token}\"; // ä");
            let found = tokens(&text);
            assert_eq!(found.len(), 1, "{what}");
            assert_eq!((found[0].what, found[0].start), (what, 9));
            assert!(
                !found[0].masked.contains(&token[token.len() - 8..]),
                "masked"
            );
        }
    }

    #[test]
    fn what_only_looks_alike_is_none() {
        for text in [
            sample("AKIA", "IOSFODNN7EXAMPLE"),
            sample("ghp_", &"x".repeat(36)),
            sample("ghp_", &RANDOM[..20]),
            sample("ghp_", &RANDOM[..40]),
            sample("my_ghp_", &RANDOM[..36]),
            sample("xoxb-", "some-words-that-are-no-token"),
            sample("eyJ", &RANDOM[..60]),
            sample("sk_live_", "your_key_goes_here_0"),
        ] {
            assert_eq!(tokens(&text), [], "{text}");
        }
    }

    #[test]
    fn any_text_can_be_searched() {
        for text in ["", "é", "AKIA", "ghp_é", "SG.é", "\u{10ffff}eyJ\u{10ffff}"] {
            assert_eq!(tokens(text), []);
        }
    }
}
