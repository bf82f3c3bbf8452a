//! An agent of a contract version that does not exist yet.

#[allow(unsafe_code, missing_docs, clippy::all, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "agent-plugin" });

    struct OtherVersion;

    impl exports::ringfence::agent::agent::Guest for OtherVersion {
        fn describe() -> String {
            "other-version".to_owned()
        }

        fn execute(task: String) -> Result<String, String> {
            Ok(task)
        }
    }

    export!(OtherVersion);
}
