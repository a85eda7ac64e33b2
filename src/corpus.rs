//! The Rust code of the corpus as documentation tests. Each block must compile and run, or fail to compile
//! with the stated error.

macro_rules! subjects {
    ($($name:ident: $file:literal),* $(,)?) => {
        $(#[doc = include_str!(concat!("../corpus/", $file, ".md"))] mod $name {})*
    };
}

subjects! {
    api_design_: "api-design",
    async_: "async",
    beginner_: "beginner",
    borrowing_: "borrowing",
    cargo_: "cargo",
    closures_: "closures",
    collections_: "collections",
    compiler_: "compiler",
    compiler_errors_: "compiler-errors",
    concurrency_: "concurrency",
    embedded_: "embedded",
    error_handling_: "error-handling",
    ffi_: "ffi",
    generics_: "generics",
    iterators_: "iterators",
    lifetimes_: "lifetimes",
    macros_: "macros",
    memory_: "memory",
    ownership_: "ownership",
    performance_: "performance",
    security_: "security",
    serde_: "serde",
    services_: "services",
    smart_pointers_: "smart-pointers",
    strings_: "strings",
    testing_: "testing",
    tooling_: "tooling",
    traits_: "traits",
    types_: "types",
    unsafe_: "unsafe",
    wasm_: "wasm",
}
