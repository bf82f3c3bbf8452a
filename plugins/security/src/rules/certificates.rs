//! Certificate checks switched off: whoever sits between the two ends can then
//! be either of them. A test server's certificate can be trusted by adding it as
//! a root, which keeps the check.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::{Expr, ExprMethodCall, ImplItem, Item, Stmt};

use super::expression::{is_bool, last_segment, peeled};

const RULE: &str = "disabled-certificate-check";

/// Methods that switch a check off when given `true`: reqwest, native-tls, ureq.
const OFF_WHEN_TRUE: &[&str] = &[
    "danger_accept_invalid_certs",
    "danger_accept_invalid_hostnames",
    "tls_danger_accept_invalid_certs",
    "tls_danger_accept_invalid_hostnames",
    "accept_invalid_certs",
    "accept_invalid_hostnames",
    "disable_verification",
    "use_insecure_tls",
];

/// Methods that switch a check off when given `false`: openssl, curl.
const OFF_WHEN_FALSE: &[&str] = &[
    "set_verify_hostname",
    "verify_hostname",
    "ssl_verify_peer",
    "ssl_verify_host",
    "proxy_ssl_verify_peer",
];

/// The methods of rustls' verifiers whose answer is the check.
const VERIFIERS: &[&str] = &["verify_server_cert", "verify_client_cert"];

pub(super) fn expr(expr: &Expr, report: &mut Report) {
    let Expr::MethodCall(call) = expr else { return };
    if let Some(what) = switched_off(call) {
        let message = format!(
            "`{}` switches off {what}: anyone on the way can pose as the other end; add the \
             certificate as a root instead",
            call.method
        );
        report.add(RULE, Severity::High, Position::of(&call.method), message);
    }
}

fn switched_off(call: &ExprMethodCall) -> Option<&'static str> {
    let method = call.method.to_string();
    let first = call.args.first()?;
    let what = if method.contains("host") {
        "the check of the host name"
    } else {
        "the check of certificates"
    };
    let is_off = OFF_WHEN_TRUE.contains(&&*method) && is_bool(first, true)
        || OFF_WHEN_FALSE.contains(&&*method) && is_bool(first, false)
        || matches!(&*method, "set_verify" | "set_verify_callback") && is_verify_none(first);
    is_off.then_some(what)
}

/// `SslVerifyMode::NONE`
fn is_verify_none(expr: &Expr) -> bool {
    let Expr::Path(path) = peeled(expr) else {
        return false;
    };
    let names: Vec<String> = path
        .path
        .segments
        .iter()
        .map(|s| s.ident.to_string())
        .collect();
    names.last().is_some_and(|last| last == "NONE")
        && names.iter().any(|name| name == "SslVerifyMode")
}

/// A verifier that says yes without looking at anything.
pub(super) fn item(item: &Item, scope: &Scope, report: &mut Report) {
    let Item::Impl(item) = item else { return };
    let is_verifier = item.trait_.as_ref().is_some_and(|(path, _)| {
        path.segments.last().is_some_and(|last| {
            last.ident == "ServerCertVerifier" || last.ident == "ClientCertVerifier"
        })
    });
    if !is_verifier || scope.in_test() {
        return;
    }
    for item in &item.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        if VERIFIERS.iter().any(|name| function.sig.ident == name)
            && let [Stmt::Expr(answer, _)] = function.block.stmts.as_slice()
            && is_plain_yes(answer)
        {
            let message = format!(
                "`{}` accepts any certificate: anyone on the way can pose as the other end",
                function.sig.ident
            );
            report.add(
                RULE,
                Severity::High,
                Position::of(&function.sig.ident),
                message,
            );
        }
    }
}

/// `Ok(ServerCertVerified::assertion())`
fn is_plain_yes(expr: &Expr) -> bool {
    let Expr::Call(ok) = expr else { return false };
    last_segment(&ok.func).is_some_and(|name| name == "Ok")
        && matches!(ok.args.first(), Some(Expr::Call(yes))
            if last_segment(&yes.func).is_some_and(|name| name == "assertion"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, rules_in};

    #[test]
    fn switched_off_checks_are_found() {
        for body in [
            "Client::builder().danger_accept_invalid_certs(true).build();",
            "b.tls_danger_accept_invalid_hostnames(true);",
            "b.set_verify(SslVerifyMode::NONE);",
            "b.set_verify(openssl::ssl::SslVerifyMode::NONE);",
            "easy.ssl_verify_peer(false);",
            "c.configure()?.verify_hostname(false);",
        ] {
            assert_eq!(rules_in(body), ["disabled-certificate-check"], "{body}");
        }
    }

    #[test]
    fn checks_that_are_on_or_configured_are_not() {
        for body in [
            "b.danger_accept_invalid_certs(false);",
            "b.danger_accept_invalid_certs(options.insecure);",
            "b.set_verify(SslVerifyMode::PEER);",
            "easy.ssl_verify_peer(true);",
            "x.set_verify(NONE);",
        ] {
            assert_eq!(rules_in(body), [""; 0], "{body}");
        }
    }

    #[test]
    fn a_verifier_has_to_look() {
        let text = "\
impl ServerCertVerifier for Yes {
    fn verify_server_cert(&self) -> R { Ok(ServerCertVerified::assertion()) }
    fn supported(&self) -> Vec<S> { Ok(X::assertion()) }
}
impl ServerCertVerifier for Pinned {
    fn verify_server_cert(&self) -> R { self.check()?; Ok(ServerCertVerified::assertion()) }
}
impl Other for Yes {
    fn verify_server_cert(&self) -> R { Ok(ServerCertVerified::assertion()) }
}
";
        assert_eq!(found(text), ["disabled-certificate-check high 2:8"]);
    }
}
