use super::*;

fn of(text: &str) -> Vec<PublicItem> {
    surface_of("a.rs", text).unwrap()
}

#[track_caller]
fn same(old: &str, new: &str) {
    let (old, new) = (of(old), of(new));
    assert!(!old.is_empty());
    assert_eq!(difference(&old, &new), None);
}

#[track_caller]
fn differs(old: &str, new: &str, name: &str) {
    let (old, new) = (of(old), of(new));
    assert_eq!(difference(&old, &new), Some(name));
    assert_eq!(difference(&new, &old), Some(name), "the other way round");
}

#[test]
fn what_nobody_sees_may_change() {
    same(
        "pub fn f(a: u8) { g(a) }",
        "/// Documented.\n#[must_use]\n#[inline] pub fn f(mut b: u8,) { a = 1 }",
    );
    same(
        "pub struct S { pub a: u8, b: u8 }",
        "pub struct S {\n /// A.\n pub a: u8, #[allow(dead_code)] other: Vec<u8>,\n}",
    );
    same(
        "pub trait T { fn f(&self) { a() } }",
        "pub trait T { fn f(&self) { b() } }",
    );
    same("pub const A: u8 = 1;", "pub const A: u8 = 2;");
    same(
        "impl S { pub fn f(self) {} fn g() {} }",
        "impl S { pub fn f(mut self) { loop {} } }",
    );
    same(
        "impl T for S { type A = u8; fn f() {} }",
        "impl T for S { fn f() { g() } type A = u8; }",
    );
    same(
        "pub enum E { A, B(u8) }",
        "pub enum E { #[doc = \"a\"] A, B(u8,), }",
    );
    same(
        "pub mod m { fn f() {} }",
        "pub mod m { fn g() {} pub(crate) fn h() {} }",
    );
    same(
        "cfg_rt! { pub fn f() { a() } }",
        "cfg_rt! { /// F.\n pub fn f() { b() } }",
    );
    same("pub fn a() {} pub fn b() {}", "pub fn b() {} pub fn a() {}");
    same(
        "pub fn f<A,>(_: A) where A: Copy, {}",
        "pub fn f<A>(_: A) where A: Copy {}",
    );
    same(
        "pub union U { pub a: u8, b: u8 }",
        "pub union U { pub a: u8, c: u8, }",
    );
}

#[test]
fn what_others_see_has_to_stay() {
    differs("pub fn f(a: u8) {}", "pub fn f(a: u16) {}", "fn f");
    differs("pub fn f() {}", "pub(crate) fn f() {}", "fn f");
    differs("pub fn f() {}", "pub async fn f() {}", "fn f");
    differs("pub fn f() {}", "#[cfg(unix)] pub fn f() {}", "fn f");
    differs("pub fn f() {}", "", "fn f");
    differs("mod a { pub fn f() {} }", "mod a { fn f() {} }", "fn a::f");
    differs(
        "pub struct S { pub a: u8 }",
        "pub struct S { a: u8 }",
        "struct S",
    );
    differs(
        "pub struct S { pub a: u8 }",
        "pub struct S { pub a: u8, b: u8 }",
        "struct S",
    );
    differs(
        "#[derive(Clone)] pub struct S;",
        "pub struct S;",
        "struct S",
    );
    differs("pub enum E { A, B }", "pub enum E { A }", "enum E");
    differs(
        "pub trait T { fn f() {} }",
        "pub trait T { fn f(); }",
        "trait T",
    );
    differs("pub const A: u8 = 1;", "pub const A: u16 = 1;", "const A");
    differs(
        "pub static A: u8 = 1;",
        "pub static mut A: u8 = 1;",
        "static A",
    );
    differs("pub type A = u8;", "pub type A = u16;", "type A");
    differs("pub use a::b;", "pub use a::c;", "use a :: b");
    differs(
        "impl S { pub fn f(&self) {} }",
        "impl S { pub fn f(&mut self) {} }",
        "fn S::f",
    );
    differs(
        "impl<A> S<A> { pub fn f() {} }",
        "impl<A: Copy> S<A> { pub fn f() {} }",
        "fn S < A >::f",
    );
    differs(
        "impl S { pub const A: u8 = 1; }",
        "impl S { const A: u8 = 1; }",
        "const S::A",
    );
    differs("impl T for S {}", "", "impl T for S");
    differs(
        "impl T for S { type A = u8; }",
        "impl T for S { type A = u16; }",
        "impl T for S",
    );
    differs(
        "extern \"C\" { pub fn f(a: u8); }",
        "extern \"C\" { pub fn f(a: i8); }",
        "fn f",
    );
    differs(
        "#[macro_export] macro_rules! m { () => {} }",
        "macro_rules! m { () => {} }",
        "macro m",
    );
    differs("cfg_rt! { pub mod a; }", "cfg_rt! { mod a; }", "mod a");
    differs("pub extern crate a;", "extern crate a;", "extern crate a");
}

#[test]
fn macros_that_only_they_understand_have_to_stay() {
    same("m! { pub a => 1 }", "m! { /// A.\n pub a => 1 }");
    differs("m! { pub a => 1 }", "m! { pub a => 2 }", "item in m!");
    assert!(of("m! { a => 1 }").is_empty());
    let deep = |body: &str| {
        format!(
            "{}pub fn f() {{ {body} }}{}",
            "m! { ".repeat(8),
            " }".repeat(8)
        )
    };
    differs(&deep("a()"), &deep("b()"), "item in m!");
}

#[test]
fn the_same_item_twice_counts_twice() {
    differs("pub use a::b; pub use a::b;", "pub use a::b;", "use a :: b");
}

#[test]
fn private_files_offer_nothing() {
    assert!(of("fn f() {} struct S { pub a: u8 } pub(crate) const A: u8 = 1;").is_empty());
}
