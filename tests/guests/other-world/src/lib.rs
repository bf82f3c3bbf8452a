//! A component of a world that has nothing to do with agents.

#[allow(unsafe_code, missing_docs, clippy::all, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({
        inline: "package somebody:else@1.0.0; world calculator { export add: func(a: u32, b: u32) -> u32; }",
    });

    struct Calculator;

    impl Guest for Calculator {
        fn add(a: u32, b: u32) -> u32 {
            a.wrapping_add(b)
        }
    }

    export!(Calculator);
}
