//! Hashes and ciphers that are broken. Collisions of MD5 and SHA-1 cost minutes
//! to some thousand dollars, DES and RC4 fall to a laptop, and ECB shows which
//! blocks are equal. For checksums of files nobody attacks, MD5 is only slow, so
//! what matters is what the code around it is about.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::Expr;

use super::Facts;

const HASH: &str = "weak-hash";
const CIPHER: &str = "weak-cipher";

/// Words in the name of a function that say that security hangs on the hash.
const SENSITIVE: &[&str] = &[
    "password",
    "passwd",
    "sign",
    "signature",
    "verify",
    "auth",
    "token",
    "secret",
    "login",
    "credential",
    "session",
    "certificate",
    "fingerprint",
];

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let Expr::Call(call) = expr else { return };
    let Expr::Path(path) = &*call.func else {
        return;
    };
    let full = facts.imports.resolve(&path.path);
    let place = Position::of(path);
    if let Some(name) = weak_hash(&full) {
        let around = scope.path().to_lowercase();
        let sensitive = SENSITIVE.iter().any(|word| around.contains(word));
        // HMAC holds with either of them.
        if around.contains("hmac") || full.to_lowercase().contains("hmac") {
            return;
        }
        let severity = if sensitive {
            Severity::High
        } else {
            Severity::Low
        };
        let message = format!(
            "{name} is broken: others can make inputs with the same hash; use SHA-256 or BLAKE3, \
             and for passwords Argon2"
        );
        report.add(HASH, severity, place, message);
    } else if let Some(name) = weak_cipher(&full) {
        let message = format!("{name} keeps nothing secret; use AES-GCM or ChaCha20-Poly1305");
        report.add(CIPHER, Severity::High, place, message);
    }
}

/// The broken hash that a call of the path computes, by the crates that have it.
fn weak_hash(path: &str) -> Option<&'static str> {
    let (head, rest) = path.split_once("::")?;
    let is_start = ["new", "digest", "compute", "default", "from", "hash"]
        .iter()
        .any(|name| path.rsplit("::").next() == Some(name));
    match head {
        "md5" | "md_5" | "md4" if is_start => Some("MD5"),
        "sha1" | "sha_1" | "sha1_smol" if is_start => Some("SHA-1"),
        "openssl" if rest.ends_with("MessageDigest::md5") || rest.ends_with("md5::md5") => {
            Some("MD5")
        }
        "openssl" if rest.ends_with("MessageDigest::sha1") || rest.ends_with("sha::sha1") => {
            Some("SHA-1")
        }
        _ => None,
    }
}

fn weak_cipher(path: &str) -> Option<&'static str> {
    let last = path.rsplit("::").next()?;
    if path.contains("Cipher::") {
        return match last {
            "des_cbc" | "des_ecb" | "des_ede3" | "des_ede3_cbc" => Some("DES"),
            "rc4" => Some("RC4"),
            _ if last.ends_with("_ecb") => Some("ECB mode"),
            _ => None,
        };
    }
    let head = path.split("::").next()?;
    match head {
        "des" if last.starts_with("new") => Some("DES"),
        "rc4" if last.starts_with("new") => Some("RC4"),
        "ecb" if last.starts_with("new") => Some("ECB mode"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn what_the_code_is_about_decides() {
        let text = "\
use sha1::{Digest, Sha1};
fn cache_key(b: &[u8]) { md5::compute(b); }
fn verify_password(b: &[u8]) { Sha1::new().update(b); Sha1::digest(b); }
fn hmac_sha1(b: &[u8]) { Sha1::new(); }
fn encrypt() { openssl::symm::Cipher::aes_128_ecb(); Cipher::rc4(); }
";
        assert_eq!(
            found(text),
            [
                "weak-hash low 2:26",
                "weak-hash high 3:32",
                "weak-hash high 3:55",
                "weak-cipher high 5:16",
                "weak-cipher high 5:54",
            ]
        );
    }

    #[test]
    fn sound_ones_and_name_sakes_are_not_reported() {
        let text = "\
use sha2::{Digest, Sha256};
fn verify() { Sha256::new(); Sha1::new(); self.md5(); Cipher::aes_256_gcm(); md5::Error::Io(x); }
";
        assert_eq!(found(text), [""; 0]);
    }
}
