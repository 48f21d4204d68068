//! The `flashcrowd` command, with the policies that are part of the program.

fn main() -> std::process::ExitCode {
    flashcrowd::main_with(flashcrowd::Registry::new())
}
