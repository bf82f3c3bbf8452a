//! Secrets that the name beside them gives away: `password = "..."`.

use source::{Lexeme, LexemeKind};

use super::placeholder::{entropy, is_placeholder};

/// Words of a name that mean a secret, whatever its value looks like.
const STRONG: &[&[&str]] = &[
    &["password"],
    &["passwd"],
    &["passphrase"],
    &["secret", "key"],
    &["api", "key"],
    &["apikey"],
    &["access", "key"],
    &["private", "key"],
    &["encryption", "key"],
    &["signing", "key"],
    &["client", "secret"],
    &["access", "token"],
    &["auth", "token"],
    &["refresh", "token"],
    &["api", "token"],
    &["bearer"],
];

/// Words that mean a secret only where the value looks random: parsers and
/// maps are full of tokens and keys.
const WEAK: &[&str] = &[
    "secret",
    "token",
    "key",
    "credential",
    "credentials",
    "auth",
    "pwd",
    "pin",
];

/// Words that say that the text is about a secret and is none itself.
const ABOUT: &[&str] = &[
    "field",
    "header",
    "prompt",
    "label",
    "env",
    "var",
    "variable",
    "name",
    "file",
    "path",
    "url",
    "uri",
    "help",
    "message",
    "msg",
    "regex",
    "pattern",
    "type",
    "kind",
    "hint",
    "title",
    "description",
    "param",
    "arg",
    "flag",
    "option",
    "prefix",
    "suffix",
    "error",
    "id",
    "public",
    "pub",
    "placeholder",
    "hash",
    "algorithm",
    "alg",
    "format",
    "scheme",
    "column",
    "usage",
    "endpoint",
    "service",
    "provider",
    "mode",
    "policy",
    "scope",
    "dir",
    "section",
    "test",
];

/// How sure a name makes one that a text is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// It is one unless it is a stand-in.
    Strong,
    /// It is one if it looks random.
    Weak,
}

/// What the name says of the text that it stands for.
pub(super) fn hint_of(name: &str) -> Option<Hint> {
    let words = words(name);
    if words.iter().any(|word| ABOUT.contains(&word.as_str())) {
        return None;
    }
    let strong = STRONG.iter().any(|wanted| {
        words
            .windows(wanted.len())
            .any(|found| found.iter().zip(*wanted).all(|(a, b)| a == b))
    });
    if strong {
        return Some(Hint::Strong);
    }
    words
        .iter()
        .any(|word| WEAK.contains(&word.as_str()))
        .then_some(Hint::Weak)
}

/// The words of `API_KEY`, `apiKey` and `api-key`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = c.is_uppercase() && after_lower;
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        if matches!(c, '_' | '-' | '.' | ' ') || starts {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether `value` beside a name with this hint is a secret.
pub(super) fn is_secret(hint: Hint, value: &str) -> bool {
    if !(6..=256).contains(&value.len())
        || !value.is_ascii()
        || value.contains(char::is_whitespace)
        || is_placeholder(value)
        || value.contains("://")
        || value.starts_with(['/', '.', '-', '#', '@', '&', '?', '\\'])
        || value.contains(['(', '[', '\\'])
        || is_identifier(value)
    {
        return false;
    }
    match hint {
        Hint::Strong => kinds(value) >= 2,
        Hint::Weak => {
            value.len() >= 16 && kinds(value) >= 2 && entropy(value) >= 3.5 && {
                value.bytes().filter(u8::is_ascii_digit).count() >= 2
            }
        }
    }
}

/// Whether `value` reads as a name, a path of names or a version: words of
/// letters, with a number at most at the end of each.
fn is_identifier(value: &str) -> bool {
    value.split(['_', '-', '.', ':', '/', ',']).all(|part| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        // Words are lower-case, upper-case, or begin with a capital.
        letters.chars().all(char::is_alphabetic)
            && (letters.chars().skip(1).all(char::is_lowercase)
                || letters.chars().all(char::is_uppercase)
                || words(letters).iter().all(|word| word.len() >= 3))
            && part.len() - letters.len() <= 3
    })
}

/// How many kinds of characters there are: lower, upper, digits, others.
fn kinds(value: &str) -> usize {
    [
        value.bytes().any(|b| b.is_ascii_lowercase()),
        value.bytes().any(|b| b.is_ascii_uppercase()),
        value.bytes().any(|b| b.is_ascii_digit()),
        value.bytes().any(|b| b.is_ascii_punctuation()),
    ]
    .into_iter()
    .filter(|has| *has)
    .count()
}

/// The name that the string at the end of `before` is given to: in
/// `let name: T = "..."`, `name: "..."`, `.name("...")`, `("name", "...")`, also
/// through `String::from(..)` and `Some(..)`. `before` ends just before it.
pub(super) fn name_before<'a>(before: &[Lexeme<'a>]) -> Option<&'a str> {
    let mut rest = before;
    // Step out of calls that only wrap the text.
    while let [head @ .., function, open] = rest {
        if open.text != "(" || function.kind != LexemeKind::Ident {
            break;
        }
        if !matches!(
            function.text,
            "from" | "new" | "Some" | "Ok" | "into" | "to_string"
        ) {
            return Some(function.text);
        }
        rest = head;
        while let [head @ .., _, a, b] = rest {
            if a.text != ":" || b.text != ":" {
                break;
            }
            rest = head;
        }
    }
    if let [.., reference] = rest
        && reference.text == "&"
    {
        rest = &rest[..rest.len() - 1];
    }
    match rest {
        [.., key, comma] if comma.text == "," && key.kind == LexemeKind::Str => {
            Some(key.text.trim_matches('"'))
        }
        [.., name, colon] if colon.text == ":" && name.kind == LexemeKind::Ident => Some(name.text),
        [head @ .., equals] if equals.text == "=" => assigned(head, equals.start),
        _ => None,
    }
}

/// The name on the left of the `=` that stands at byte `equals`.
fn assigned<'a>(before: &[Lexeme<'a>], equals: usize) -> Option<&'a str> {
    let last = before.last()?;
    // `==`, `!=`, `+=` and the like.
    if last.kind == LexemeKind::Punct && last.start + last.text.len() == equals {
        return None;
    }
    // `name: Type =`: the colon that is no part of a path.
    let tail = &before[before.len().saturating_sub(16)..];
    for (index, lexeme) in tail.iter().enumerate().rev() {
        match lexeme.text {
            ";" | "{" | "}" | "(" | "," => break,
            ":" if index > 0 => {
                let is_path = tail[index - 1].text == ":"
                    || tail.get(index + 1).is_some_and(|next| next.text == ":");
                if !is_path && tail[index - 1].kind == LexemeKind::Ident {
                    return Some(tail[index - 1].text);
                }
            }
            _ => {}
        }
    }
    (last.kind == LexemeKind::Ident).then_some(last.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use source::lexemes;

    fn name(text: &str) -> Option<&str> {
        let all: Vec<_> = lexemes(text).collect();
        name_before(&all)
    }

    #[test]
    fn the_name_of_a_text_is_found() {
        for (text, expected) in [
            ("let password =", Some("password")),
            ("const API_KEY: &'static str =", Some("API_KEY")),
            ("static X: std::option::Option<&str> = Some(", Some("X")),
            ("Config { user: u, password:", Some("password")),
            ("Config { password: String::from(", Some("password")),
            ("self.password =", Some("password")),
            ("client.basic_auth(", Some("basic_auth")),
            ("map.insert(\"api_key\",", Some("api_key")),
            ("if password ==", None),
            ("f(a,", None),
            ("", None),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn names_hint_at_secrets() {
        for (name, hint) in [
            ("PASSWORD", Some(Hint::Strong)),
            ("dbPassword", Some(Hint::Strong)),
            ("x-api-key", Some(Hint::Strong)),
            ("token", Some(Hint::Weak)),
            ("PASSWORD_FIELD", None),
            ("token_type", None),
            ("public_key", None),
            ("keyboard", None),
        ] {
            assert_eq!(hint_of(name), hint, "{name}");
        }
    }

    #[test]
    fn values_are_told_from_names_and_stand_ins() {
        for value in ["k7Qz9wLm2Rt5", "Tr0ub4dor&3", "s3cr3tvalue9x"] {
            assert!(is_secret(Hint::Strong, value), "{value}");
        }
        for value in [
            "password",
            "reset-password",
            "api.key",
            "X-Api-Key",
            "changeme",
            "<password>",
            "{password}",
            "https://example.org/a1",
            "/etc/passwd1",
            "enter your password",
            "accessToken",
            "camelCaseName",
            "short",
            "HMAC-SHA256",
            "v1.2.3-beta",
            r"SOFTWARE\WOW6432Node\Vendor",
        ] {
            assert!(!is_secret(Hint::Strong, value), "{value}");
        }
        assert!(is_secret(Hint::Weak, "k7Qz9wLm2Rt5Xv8B"));
        assert!(!is_secret(Hint::Weak, "k7Qz9wLm2Rt5"));
    }
}
