//! The plugins folder and the WebAssembly sandboxes that agents run in.

mod agent;
mod attempt;
mod backtrace;
mod bindings;
mod broken;
mod cache;
mod clock;
mod command_agent;
mod compile;
mod component_check;
mod componentize;
mod config;
mod contract_misfit;
mod conv;
mod cpu;
mod engine;
mod fingerprint;
mod folder;
mod grants;
mod guest_log;
mod host;
mod hot;
mod inspect;
mod lanes;
mod limiter;
mod link;
mod meter;
mod nobody;
mod protections;
mod quick_files;
mod refusal;
mod runtime;
mod sandbox;
mod source_lines;
mod state;
mod stdio;
mod ticker;
mod turns;
mod verdict;

pub use cache::{CacheError, CompileCache, DEFAULT_CACHE_SIZE, default_cache_folder};
pub use command_agent::{EXIT_PERMANENT, EXIT_REJECTED};
pub use compile::{
    COMPILE_ARGUMENT, CompileLimits, Compiler, LoadedCode, compile_child_main, engine_for,
    is_compile_child, own_program,
};
pub use component_check::{
    AgentDescription, AgentKind, CONTRACT_PACKAGE, CONTRACT_VERSIONS, ComponentInterface,
    CoreModuleKind, DescriptionProblem, MAX_ROLES, MAX_SCHEMA_SIZE, MAX_SUMMARY_LEN,
    MAX_VERSION_LEN, RawDescription, SDK_VERSION, Unfit, WASI_VERSION,
};
pub use componentize::{ComponentizeError, componentize};
pub use config::{AgentConfig, Compilation, DEFAULT_INSTANCES, QUESTION_SANDBOXES, SandboxConfig};
pub use conv::{MAX_ARTIFACT_NAME_LEN, MAX_MEDIA_TYPE_LEN, MAX_PATH_LEN, MAX_RULE_LEN};
pub use folder::{
    DEFAULT_COMPONENT_LIMIT, Folder, FolderContent, FolderError, FolderObserver, LoadedComponent,
};
pub use hot::Refreshed;
pub use inspect::{Capability, ComponentReport, ImportedPackage};
pub use protections::missing_protections;
pub use refusal::{Refusal, RefusalReason};
pub use runtime::RuntimeError;
pub use sandbox::{LoadError, LoadedAgent, Loading, Sandbox};
