//! The `flashcrowd` command.

fn main() -> std::process::ExitCode {
    flashcrowd::cli::main()
}
