//! The `flashcrowd` command with this crate's policy in it: `cargo run -p my-policy -- run my.ron`.

fn main() -> std::process::ExitCode {
    flashcrowd::main_with(my_policy::registry())
}
