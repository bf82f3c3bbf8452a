//! Private keys in PEM.

/// The private key that `text` holds: the header with a body behind it, since
/// the header alone is what code that reads such files looks for.
pub(super) fn find(text: &str) -> Option<&'static str> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, body) = rest.split_once("-----")?;
    let what = match label {
        "PRIVATE KEY" => "a private key",
        "RSA PRIVATE KEY" => "an RSA private key",
        "EC PRIVATE KEY" => "an elliptic curve private key",
        "DSA PRIVATE KEY" => "a DSA private key",
        "OPENSSH PRIVATE KEY" => "an OpenSSH private key",
        "ENCRYPTED PRIVATE KEY" => "an encrypted private key",
        "PGP PRIVATE KEY BLOCK" => "a PGP private key",
        _ => return None,
    };
    let body = body.split("-----").next().unwrap_or(body);
    let base64 = body
        .bytes()
        .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
        .count();
    (base64 >= 40).then_some(what)
}
