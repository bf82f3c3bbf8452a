//! URLs with a password in them: `scheme://user:password@host`.

use super::placeholder::is_placeholder;

/// Hosts that stand for any host, or for this machine.
const NO_HOSTS: &[&str] = &["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "host", "db"];

/// The host that `text`, a URL, holds a password for.
pub(super) fn find(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    if scheme.is_empty()
        || !scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+')
    {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, host) = authority.rsplit_once('@')?;
    let (user, password) = user.split_once(':')?;
    let name = host.split(':').next().unwrap_or(host);
    let stands_for_any = NO_HOSTS.contains(&name)
        || name.contains("example")
        || host.contains(['{', '<', '$'])
        || name.ends_with(".test")
        || name.ends_with(".invalid");
    let is_word =
        password.len() < 6 || password == user || matches!(password, "postgres" | "guest");
    (!stands_for_any && !is_word && !is_placeholder(password) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn only_a_real_password_counts() {
        assert_eq!(
            find("amqps://app:k7Qz9wLm2@mq.internal:5671/v"),
            Some("mq.internal")
        );
        for text in [
            "https://user@host.internal/",
            "https://example.org/a:b@c",
            "redis://user:{password}@cache.internal",
            "redis://user:k7Qz9wLm2@localhost:6379",
            "ftp://user:k7Qz9wLm2@ftp.example.org",
            "http://a:b@c.org",
            "x:y@z",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
