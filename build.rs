//! Windows alone: the program's icon, its version as Explorer shows it, and its manifest. Nothing for other systems.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets/icon/pd-console.ico");
    println!("cargo::rerun-if-changed=packaging/windows/program.manifest");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return;
    }
    let mut resource = winresource::WindowsResource::new();
    resource
        .set("ProductName", "PD Console")
        .set("FileDescription", "PD Console")
        .set("LegalCopyright", "MIT OR Apache-2.0")
        .set_icon("assets/icon/pd-console.ico")
        .set_manifest_file("packaging/windows/program.manifest");
    // mingw-w64's windres or the Windows SDK's rc: who can link has it.
    resource.compile().expect("the program's resources");
}
