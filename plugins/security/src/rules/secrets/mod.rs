//! Secrets in the source: whoever can read the code, or the binary, has them.
//!
//! Three ways to find them, the surest first: the shape that an issuer gives
//! its tokens, a name beside the text that says what it is, and text that is so
//! well mixed that only a generator writes it. Each text is reported once. In
//! test code, shapes are milder and the other two are silent: tests are full of
//! passwords that open nothing.
//!
//! Messages never show the secret: a report travels further than the source.

mod named;
mod placeholder;
mod private_keys;
mod random;
mod shapes;
mod urls;

use lint::Report;
use ringfence_sdk::Severity;
use source::{Lexeme, LexemeKind, Position, lexemes};

use super::Facts;

const TOKEN: &str = "secret-token";
const PRIVATE_KEY: &str = "private-key";
const PASSWORD_IN_URL: &str = "password-in-url";
const NAMED: &str = "hard-coded-secret";
const RANDOM: &str = "random-looking-text";

/// More random texts than that in one file are a table of data.
const MOST_RANDOM: usize = 5;

/// How many lexemes before a text are looked at for its name.
const WINDOW: usize = 24;

pub(super) fn check(facts: &Facts<'_>, report: &mut Report) {
    let text = facts.file.text();
    let mut places = Places {
        text,
        at: 0,
        place: Position::START,
    };
    let mut shown: Vec<(usize, usize)> = Vec::new();

    for token in shapes::tokens(text) {
        let place = places.of(token.start);
        shown.push((token.start, token.start + 1));
        let severity = facts.milder_in_tests(place, token.severity);
        let message = format!(
            "{} is in the source: `{}`; revoke it and read it from the environment or a secret \
             store instead",
            token.what, token.masked
        );
        report.add(TOKEN, severity, place, message);
    }
    strings(facts, text, &shown, report);
}

fn strings(facts: &Facts<'_>, text: &str, shown: &[(usize, usize)], report: &mut Report) {
    let mut places = Places {
        text,
        at: 0,
        place: Position::START,
    };
    let mut before: Vec<Lexeme<'_>> = Vec::new();
    let mut random = Vec::new();
    for lexeme in lexemes(text) {
        match lexeme.kind {
            LexemeKind::LineComment | LexemeKind::BlockComment => continue,
            LexemeKind::Str => {
                let end = lexeme.start + lexeme.text.len();
                let is_shown = shown
                    .iter()
                    .any(|(start, _)| (lexeme.start..end).contains(start));
                let place = places.of(lexeme.start);
                if !is_shown {
                    string(facts, &before, lexeme, place, &mut random, report);
                }
            }
            _ => {}
        }
        if before.len() == WINDOW * 2 {
            before.drain(..WINDOW);
        }
        before.push(lexeme);
    }
    if random.len() <= MOST_RANDOM {
        for (place, len) in random {
            let message = format!(
                "a text of {len} characters looks random; if it is a key, revoke it and read it \
                 from the environment"
            );
            report.add(RANDOM, Severity::Low, place, message);
        }
    }
}

fn string(
    facts: &Facts<'_>,
    before: &[Lexeme<'_>],
    lexeme: Lexeme<'_>,
    place: Position,
    random: &mut Vec<(Position, usize)>,
    report: &mut Report,
) {
    let value = content(lexeme.text);
    if let Some(what) = private_keys::find(value) {
        let severity = facts.milder_in_tests(place, Severity::Critical);
        let message =
            format!("{what} is in the source; replace it and load the new one at run time");
        report.add(PRIVATE_KEY, severity, place, message);
        return;
    }
    if facts.in_test(place) {
        return;
    }
    if let Some(host) = urls::find(value) {
        let message = format!(
            "a URL holds a password for `{host}`; read it from the environment or a secret store"
        );
        report.add(PASSWORD_IN_URL, Severity::High, place, message);
        return;
    }
    let name = named::name_before(before);
    if let Some(name) = name
        && let Some(hint) = named::hint_of(name)
        && named::is_secret(hint, value)
    {
        let severity = match hint {
            named::Hint::Strong => Severity::High,
            named::Hint::Weak => Severity::Medium,
        };
        let message = format!(
            "`{name}` is given a secret of {} characters in the source; read it from the \
             environment or a secret store",
            value.len()
        );
        report.add(NAMED, severity, place, message);
        return;
    }
    if random::is_random(value) {
        random.push((place, value.len()));
    }
}

/// What stands between the quotes, escapes as they are.
fn content(text: &str) -> &str {
    let Some(open) = text.find('"') else {
        return text;
    };
    let inner = text[open + 1..].trim_end_matches('#');
    inner.strip_suffix('"').unwrap_or(inner)
}

/// Turns rising byte offsets into places in one pass.
struct Places<'a> {
    text: &'a str,
    at: usize,
    place: Position,
}

impl Places<'_> {
    fn of(&mut self, byte: usize) -> Position {
        for c in self.text[self.at..byte].chars() {
            if c == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.at = byte;
        self.place
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in};

    // Put together here, so that this file holds no token itself.
    fn token() -> String {
        format!("ghp_{}", "k7Qz9wLm2Rt5Xv8Bn4Jd6Hs1Pf3Gy0CaEuIo")
    }

    #[test]
    fn a_token_is_found_anywhere_and_never_shown() {
        let text = format!(
            "// {0}\nfn f() {{\n    g(\"ä {0}\");\n    h!({{ a = \"{0}\" }});\n}}\n",
            token()
        );
        assert_eq!(
            found(&text),
            [
                "secret-token critical 1:4",
                "secret-token critical 3:10",
                "secret-token critical 4:15"
            ]
        );
        let findings = crate::rules::testing::findings("src/a.rs", &text);
        assert!(findings.iter().all(|f| !f.message.contains("k7Qz")));
    }

    #[test]
    fn tests_are_judged_mildly() {
        let text = format!(
            "const T: &str = \"{}\";\nconst PASSWORD: &str = \"k7Qz9wLm2Rt5\";\n",
            token()
        );
        assert_eq!(found_in("tests/a.rs", &text), ["secret-token low 1:18"]);
        let inner = format!("#[cfg(test)]\nmod tests {{\n    {text}\n}}\n");
        assert_eq!(found(&inner), ["secret-token low 3:22"]);
    }

    #[test]
    fn a_name_gives_a_secret_away() {
        let text = "const DB_PASSWORD: &str = \"k7Qz9wLm2Rt5\";\n\
                    fn f() { C { api_key: \"k7Qz9wLm2Rt5\".into() }; c.password(\"k7Qz9wLm2Rt5\"); }\n\
                    const PASSWORD_HEADER: &str = \"X-Password-1x\";\n\
                    fn g(p: &str) -> bool { p == \"k7Qz9wLm2Rt5\" }\n";
        assert_eq!(
            found(text),
            [
                "hard-coded-secret high 1:27",
                "hard-coded-secret high 2:23",
                "hard-coded-secret high 2:59"
            ]
        );
    }

    #[test]
    fn random_text_is_found_unless_there_is_a_table_of_it() {
        let one = "const X: &str = \"k7Qz9wLm2Rt5Xv8Bn4Jd6Hs1Pf3Gy0Ca\";\n";
        assert_eq!(found(one), ["random-looking-text low 1:17"]);
        assert_eq!(found(&one.repeat(6)), [""; 0]);
    }

    #[test]
    fn urls_and_private_keys_are_found() {
        let text = "const A: &str = \"postgres://app:k7Qz9wLm2@db.internal/x\";\n\
                    const B: &str = \"postgres://user:password@localhost/x\";\n";
        assert_eq!(found(text), ["password-in-url high 1:17"]);
        let key = format!(
            "const K: &str = \"-----BEGIN {0}-----\\n{1}\\n-----END {0}-----\";\n\
             const M: &str = \"-----BEGIN {0}-----\";\n",
            "PRIVATE KEY",
            "MIIEvQk7Qz9wLm2Rt5Xv8Bn4Jd6Hs1Pf3Gy0CaEuIo".repeat(2)
        );
        assert_eq!(found(&key), ["private-key critical 1:17"]);
    }
}
