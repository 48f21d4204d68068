//! Small traces of our own: every format that is read, every fault that is reported.

use super::*;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::clock::SimDuration;
use flashcrowd_core::ports::ArrivalSource;
use proptest::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SMALL: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
    2023-11-16 18:15:46.6805900,374,44\r\n\
    2023-11-16 18:15:50.9951690,396,109\r\n\
    2023-11-16 18:15:51.2225670,879,55\r\n\
    2023-11-16 18:15:51.6805900,91,16";

struct Fixture {
    dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Fixture { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The error for a file of these bytes, without the directory.
    fn refused(&self, bytes: &[u8]) -> String {
        let path = self.file("t.csv", bytes);
        let error = summary(&path, &TraceOptions::default()).unwrap_err();
        let hint = error.hint.clone().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{error}{hint}").replace(&format!("{}/", self.dir.path().display()), "")
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn played(path: &Path, options: &TraceOptions) -> Vec<(u64, u32, u32)> {
    let mut source = TraceSource::open(path, options, Seed::new(1), "trace").unwrap();
    let mut arrivals = Vec::new();
    while let Some(arrival) = source.next_arrival().unwrap() {
        arrivals.push((arrival.at.as_ps(), arrival.prompt_tokens, arrival.output_tokens));
    }
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.0));
    arrivals
}

const PLAYED: [(u64, u32, u32); 4] =
    [(0, 374, 44), (4_314_579_000_000, 396, 109), (4_541_977_000_000, 879, 55), (5_000_000_000_000, 91, 16)];

#[test]
fn all_known_variants_of_the_format_play_alike() {
    let fixture = Fixture::new();
    let unix = SMALL.replace("\r\n", "\n");
    let offsets = unix.replace("00,3", "00+00:00,3").replace("70,8", "70Z,8");
    let with_images = unix
        .replace("TIMESTAMP,", "TIMESTAMP,NumImages,")
        .replace("00,", "00,0,")
        .replace("90,", "90,2,")
        .replace("70,", "70,1,");
    for text in [SMALL, &unix, &format!("{SMALL}\r\n"), &format!("\u{feff}{unix}\n\n"), &offsets, &with_images] {
        assert_eq!(played(&fixture.file("t.csv", text.as_bytes()), &TraceOptions::default()), PLAYED, "{text}");
        assert_eq!(played(&fixture.file("t.csv", &gzip(text.as_bytes())), &TraceOptions::default()), PLAYED);
    }
    let halves = [gzip(&SMALL.as_bytes()[..70]), gzip(&SMALL.as_bytes()[70..])].concat();
    assert_eq!(played(&fixture.file("t.csv", &halves), &TraceOptions::default()), PLAYED);
}

#[test]
fn the_summary_agrees_with_what_is_played() {
    let fixture = Fixture::new();
    let seen = summary(&fixture.file("t.csv", SMALL.as_bytes()), &TraceOptions::default()).unwrap();
    assert_eq!((seen.rows, seen.dropped, seen.span), (4, 0, SimDuration::from_s(5)));
    assert_eq!((seen.prompt_tokens, seen.output_tokens), (1_740, 224));
    assert_eq!((seen.max_prompt_tokens, seen.max_output_tokens), (879, 109));
    assert_eq!(seen.mean_rate(), 0.8);
    assert_eq!(seen.starts_at, Some("2023-11-16T18:15:46.68059Z".parse().unwrap()), "naive times count as UTC");
    let part = TraceOptions { window: Some((SimDuration::from_s(1), SimDuration::MAX)), ..TraceOptions::default() };
    let seen = summary(&fixture.file("t.csv", SMALL.as_bytes()), &part).unwrap();
    assert_eq!(seen.starts_at, Some("2023-11-16T18:15:50.995169Z".parse().unwrap()), "of the window's first row");
    let seen = summary(&fixture.file("t.jsonl", TALK.as_bytes()), &TraceOptions::default()).unwrap();
    assert_eq!(seen.starts_at, None, "milliseconds since the start say no date");
}

#[test]
fn options_change_what_they_name() {
    let fixture = Fixture::new();
    let path = fixture.file("t.csv", SMALL.as_bytes());
    let normal = TraceOptions::default();
    let slow = played(&path, &TraceOptions { time_scale: 2.0, ..normal });
    assert_eq!(slow, PLAYED.map(|(at, prompt, output)| (2 * at, prompt, output)));
    let twice = played(&path, &TraceOptions { repeat: 2, ..normal });
    // The mean gap of 5 s over 3 gaps, rounded down to the picosecond.
    let again = PLAYED.map(|(at, prompt, output)| (at + 5_000_000_000_000 + 1_666_666_666_666, prompt, output));
    assert_eq!(twice, [PLAYED, again].concat());
    let window = Some((SimDuration::from_s(1), SimDuration::from_s(5)));
    let part = played(&path, &TraceOptions { window, ..normal });
    assert_eq!(part, [(0, 396, 109), (227_398_000_000, 879, 55)]);
    let empty = TraceOptions { window: Some((SimDuration::from_s(1), SimDuration::from_s(2))), ..normal };
    assert_eq!(summary(&path, &empty).unwrap_err().hint.as_deref(), Some("no row lies in the window"));
}

#[test]
fn copies_stay_between_their_row_and_the_next() {
    let fixture = Fixture::new();
    let path = fixture.file("t.csv", SMALL.as_bytes());
    let tripled = played(&path, &TraceOptions { rate_scale: 3.0, ..TraceOptions::default() });
    assert_eq!(tripled.len(), 12);
    for (row, copies) in PLAYED.iter().zip(tripled.chunks(3)) {
        assert_eq!(copies[0], *row);
        assert!(copies.iter().all(|copy| (copy.1, copy.2) == (row.1, row.2)));
    }
    assert!(tripled[4].0 > PLAYED[1].0 && tripled[5].0 <= PLAYED[2].0);
}

#[test]
fn thinning_keeps_its_share_and_is_nested() {
    let fixture = Fixture::new();
    let clock = |s: u32| format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    let rows: Vec<String> = (0..6_000).map(|s| format!("2023-11-16 {},{},1", clock(s), s + 1)).collect();
    let text = format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{}\n", rows.join("\n"));
    let path = fixture.file("t.csv", text.as_bytes());
    let rows = |rate_scale| {
        let options = TraceOptions { rate_scale, ..TraceOptions::default() };
        played(&path, &options).into_iter().map(|arrival| arrival.1).collect::<Vec<_>>()
    };
    let (fifth, half) = (rows(0.2), rows(0.5));
    assert!((1_050..1_350).contains(&fifth.len()) && (2_850..3_150).contains(&half.len()));
    assert!(fifth.iter().all(|row| half.binary_search(row).is_ok()));
    assert!((8_850..9_150).contains(&rows(1.5).len()));
}

#[test]
fn a_bad_row_is_refused_with_its_line_or_dropped() {
    let fixture = Fixture::new();
    let with = |row: &str| format!("{}\n{row}\n2023-11-16 18:16:00.0000000,1,1\n", SMALL.replace("\r\n", "\n"));
    for (row, expected) in [
        ("2023-11-16 18:15:52.0000000,374", "t.csv:6: expected 3 fields, found 2"),
        ("2023-11-16 18:15:52.0000000,374,44,1", "t.csv:6: expected 3 fields, found 4"),
        ("2023-11-16 18:15:45.0000000,374,44", "t.csv:6: this row is earlier than the one before it"),
        ("2023-11-16 18:15:52.0000000,0,44", "t.csv:6: ContextTokens is 0: the row has no tokens"),
        ("2023-11-16 18:15:52.0000000,1,0", "t.csv:6: GeneratedTokens is 0"),
        ("2023-11-16 18:15:52.0000000,-1,44", "ContextTokens is `-1`: expected a whole number from 1 to 4294967295"),
        ("2023-11-16 18:15:52.0000000,NaN,44", "ContextTokens is `NaN`"),
        ("2023-11-16 18:15:52.0000000,1,4294967296", "GeneratedTokens is `4294967296`"),
        ("2023-11-16 18:15:52.0000000,1,", "GeneratedTokens is ``"),
        ("2023-11-16 25:15:52.0000000,1,1", "is no time: expected YYYY-MM-DD HH:MM:SS.fffffff"),
        ("\"2023-11-16 18:15:52\",1,1", "quoted fields"),
        (",,", "`` is no time"),
    ] {
        let text = with(row);
        let error = fixture.refused(text.as_bytes());
        assert!(error.contains(expected), "{row}: {error}");
        assert!(error.contains("on_bad_row: Drop"), "{error}");
        let options = TraceOptions { on_bad_row: OnBadRow::Drop, ..TraceOptions::default() };
        let path = fixture.file("t.csv", text.as_bytes());
        assert_eq!(summary(&path, &options).map(|seen| (seen.rows, seen.dropped)), Ok((5, 1)));
    }
    let far = with("2099-01-01 00:00:00,1,1");
    assert!(fixture.refused(far.as_bytes()).contains("longer than 213 days"));
}

#[test]
fn what_is_no_trace_is_refused_clearly() {
    let fixture = Fixture::new();
    let compressed = gzip(SMALL.repeat(100).as_bytes());
    let mut damaged = compressed.clone();
    damaged[40] ^= 0xff;
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "t.csv:1: the file is empty"),
        (gzip(b""), "t.csv:1: the file is empty"),
        (header.into(), "t.csv: the trace has no row to play; 0 were dropped"),
        (SMALL[41..].into(), "the header is missing: the first line is a row"),
        (
            SMALL.replace("TIMESTAMP", "Timestamp").into(),
            "this file has `Timestamp`, `ContextTokens`, `GeneratedTokens` (name them: `columns: (time: \"Timestamp\", \
             prompt: \"ContextTokens\", output: \"GeneratedTokens\")`)",
        ),
        (
            b"a,b,c\n1,2,3\n".to_vec(),
            "this file has `a`, `b`, `c` (no name says when a request came, or how long its prompt is",
        ),
        (
            SMALL.replace("2023-11-16 18:15:46.6805900", "1762128000.5").into(),
            "t.csv:2: `1762128000.5` is no time: expected YYYY-MM-DD HH:MM:SS.fffffff (it looks like Unix seconds: \
             `columns: (time: \"TIMESTAMP\", prompt: \"ContextTokens\", output: \"GeneratedTokens\"), time: UnixSeconds`)",
        ),
        (
            br#"{"ts": 0, "usage": {"prompt_tokens": 5, "completion_tokens": 6}}"#.to_vec(),
            "t.csv:1: this file has `ts`, `usage.prompt_tokens`, `usage.completion_tokens` (name them: `columns: \
             (time: \"ts\", prompt: \"usage.prompt_tokens\", output: \"usage.completion_tokens\")`)",
        ),
        (b"TIMESTAMP,TIMESTAMP,ContextTokens,GeneratedTokens\n".to_vec(), "the column `TIMESTAMP` twice"),
        (b"\x7fELF\0\0\0".to_vec(), "it holds zero bytes"),
        (b"\xff\xfe\xfd\n".to_vec(), "not a UTF-8 text"),
        (vec![b'x'; MAX_LINE_BYTES + 1], "longer than 1048576 bytes"),
        (gzip(&vec![b'x'; 50 << 20]), "longer than 1048576 bytes"),
        (compressed[..compressed.len() / 2].to_vec(), "gzip data ends too early"),
        (vec![0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], "gzip data is damaged"),
        (damaged, "t.csv:"),
    ];
    for (bytes, expected) in cases {
        let error = fixture.refused(&bytes);
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let error = |path: &Path| summary(path, &TraceOptions::default()).unwrap_err().message;
    assert_eq!(error(fixture.dir.path()), "cannot be read: it is a directory; expected a file");
    assert_eq!(error(&fixture.dir.path().join("none.csv")), "cannot be read: there is no such file");
}

const TALK: &str = r#"{"timestamp": 0, "input_length": 700, "output_length": 5, "hash_ids": [7, 8]}
{"timestamp": 3000, "input_length": 512, "output_length": 9, "hash_ids": [7]}
{"timestamp": 3000, "input_length": 1030, "output_length": 1, "hash_ids": [7, 9, -1]}
"#;

/// Arrivals with the names of their blocks.
fn named(path: &Path, options: &TraceOptions) -> Vec<(u64, u32, Vec<u64>)> {
    let mut source = TraceSource::open(path, options, Seed::new(1), "trace").unwrap();
    let mut arrivals = Vec::new();
    while let Some(arrival) = source.next_arrival().unwrap() {
        let prefix = source.prefix();
        assert_eq!(prefix.hashes.len(), arrival.prompt_tokens.div_ceil(prefix.block_tokens) as usize);
        arrivals.push((arrival.at.as_ps(), prefix.block_tokens, prefix.hashes.to_vec()));
    }
    arrivals
}

#[test]
fn json_lines_name_the_blocks_of_their_prompts() {
    let fixture = Fixture::new();
    let path = fixture.file("talk.jsonl", TALK.as_bytes());
    assert_eq!(
        played(&path, &TraceOptions::default()),
        [(0, 700, 5), (3_000_000_000_000, 512, 9), (3_000_000_000_000, 1_030, 1)]
    );
    let plain = named(&fixture.file("talk.jsonl.gz", &gzip(TALK.as_bytes())), &TraceOptions::default());
    let hashes: Vec<&[u64]> = plain.iter().map(|arrival| &arrival.2[..]).collect();
    assert_eq!(hashes, [&[7, 8][..], &[7], &[7, 9, u64::MAX]]);
    assert!(plain.iter().all(|arrival| arrival.1 == 512));
    // Of the other format: seconds, and blocks of 16 tokens.
    let line = r#"{"chat_id": 3, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 20, "output_length": 2, "type": "text", "turn": 1, "hash_ids": [5, 6]}"#;
    let other = fixture.file("other.jsonl", format!("{line}\n{}\n", line.replace("61.114", "61.5")).as_bytes());
    let other = named(&other, &TraceOptions::default());
    assert_eq!(other, [(0, 16, vec![5, 6]), (386_000_000_000, 16, vec![5, 6])]);
}

/// Copies are other users: they share blocks with copies of the same number, and with none else.
#[test]
fn copies_and_repeats_share_no_blocks_with_the_original() {
    let fixture = Fixture::new();
    let path = fixture.file("talk.jsonl", TALK.as_bytes());
    let options = TraceOptions { rate_scale: 2.0, repeat: 2, ..TraceOptions::default() };
    let arrivals = named(&path, &options);
    assert_eq!(arrivals.len(), 12);
    let mut users: Vec<u64> = arrivals.iter().map(|arrival| arrival.2[0]).collect();
    users.sort_unstable();
    users.dedup_by_key(|user| *user);
    // The first block of all rows is the same: one name for each of two copies, twice played.
    assert_eq!(users.len(), 4);
    assert_eq!(arrivals.iter().filter(|arrival| arrival.2[0] == 7).count(), 3);
}

#[test]
fn bad_json_lines_are_refused_with_their_place() {
    let fixture = Fixture::new();
    let cases = [
        (TALK.replace("[7, 9, -1]", "[7, 9]"), "t.csv:3: `hash_ids` has 2 blocks: expected 3"),
        (TALK.replace("\"output_length\": 9", "\"output_length\": 0"), "t.csv:2: `output_length` is 0"),
        (TALK.replace("\"output_length\": 9", "\"output_length\": -9"), "t.csv:2: this is no row of a trace"),
        (TALK.replace("\"timestamp\": 3000", "\"timestamp\": -1"), "t.csv:2: `timestamp` is -1"),
        (TALK.replace("\"timestamp\": 0", "\"timestamp\": 4000"), "t.csv:2: this row is earlier"),
        (TALK.replace("\"input_length\": 512", "\"length\": 512"), "missing field `input_length`"),
        (TALK.replace("[7]}", "[7"), "t.csv:2: this is no row"),
        (TALK[..40].to_owned(), "t.csv:1: this is no row"),
        ("{}".to_owned(), "t.csv:1: this is no row"),
    ];
    for (text, expected) in cases {
        let error = fixture.refused(text.as_bytes());
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let path = fixture.file("t.jsonl", TALK.replace("[7]}", "[7").as_bytes());
    let dropping = TraceOptions { on_bad_row: OnBadRow::Drop, ..TraceOptions::default() };
    assert_eq!(summary(&path, &dropping).unwrap().dropped, 1);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let normal = TraceOptions::default();
    let backwards = Some((SimDuration::from_s(2), SimDuration::from_s(1)));
    for options in [
        TraceOptions { time_scale: 0.0, ..normal },
        TraceOptions { time_scale: f64::NAN, ..normal },
        TraceOptions { rate_scale: -1.0, ..normal },
        TraceOptions { rate_scale: f64::INFINITY, ..normal },
        TraceOptions { repeat: 0, ..normal },
        TraceOptions { window: backwards, ..normal },
    ] {
        assert!(options.check().is_err(), "{options:?}");
    }
}

proptest! {
    #[test]
    fn no_content_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), rows in "[0-9,:. Z+\n-]{0,200}") {
        let fixture = Fixture::new();
        let options = TraceOptions { on_bad_row: OnBadRow::Drop, ..TraceOptions::default() };
        for content in [bytes, format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}").into_bytes()] {
            let path = fixture.file("t.csv", &content);
            let _ = summary(&path, &options);
        }
    }

    #[test]
    fn damaged_gzip_never_panics(at in 0_usize..200, value in any::<u8>()) {
        let fixture = Fixture::new();
        let mut bytes = gzip(SMALL.as_bytes());
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = summary(&fixture.file("t.csv", &bytes), &TraceOptions::default());
    }
}

/// A trace of 90 s: rows at odd instants, tokens that name the row.
fn long_trace() -> String {
    let row = |i: u64| {
        let ms = i * 700 + i * i % 300;
        format!("2023-11-16 18:{:02}:{:02}.{:03},{},{}\n", 15 + ms / 60_000, ms / 1_000 % 60, ms % 1_000, i + 1, i + 2)
    };
    // Nothing comes between 30 s and 50 s.
    let rows: String = (0..128).filter(|i| !(43..72).contains(i)).map(row).collect();
    format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}")
}

fn resampled(path: &Path, options: &TraceOptions, block_s: u64, seed: Seed) -> Vec<(u64, u32, u32)> {
    let found = summary(path, options).unwrap();
    let index = BlockIndex::new(path, options, found, SimDuration::from_s(block_s)).unwrap();
    let mut source = TraceSource::open_resampled(path, options, found, index.into(), seed, "trace").unwrap();
    let mut arrivals = Vec::new();
    while let Some(arrival) = source.next_arrival().unwrap() {
        arrivals.push((arrival.at.as_ps(), arrival.prompt_tokens, arrival.output_tokens));
    }
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.0));
    arrivals
}

#[test]
fn resampled_rows_are_those_of_the_trace_at_their_place_in_a_block() {
    let fixture = Fixture::new();
    let options = TraceOptions::default();
    let plain = fixture.file("t.csv", long_trace().as_bytes());
    let packed = fixture.file("t.csv.gz", &gzip(long_trace().as_bytes()));
    let original = played(&plain, &options);
    let period = summary(&plain, &options).unwrap().period().as_ps();
    let seed = |replicate| Seed { seed: 7, replicate };
    for block_s in [3, 10, 45] {
        let length = block_s * 1_000_000_000_000;
        let first = resampled(&plain, &options, block_s, seed(0));
        assert_eq!(first, resampled(&plain, &options, block_s, seed(0)), "it is drawn from the seed alone");
        assert_eq!(first, resampled(&packed, &options, block_s, seed(0)), "gzip or not");
        assert_ne!(first, original);
        assert_ne!(first, resampled(&plain, &options, block_s, seed(1)));
        for (at, prompt, output) in &first {
            let of = |row: &&(u64, u32, u32)| (row.0 % length, row.1, row.2) == (at % length, *prompt, *output);
            assert!(original.iter().any(|row| of(&row)), "{at} {prompt}");
            assert!(*at < period);
        }
        // Each position holds one block of the trace, whole but for the last.
        for position in 0..period / length {
            let within = |at: u64, block: u64| at / length == block;
            let drawn: Vec<_> = first.iter().filter(|row| within(row.0, position)).map(|row| row.1).collect();
            let is = |block: u64| original.iter().filter(|row| within(row.0, block)).map(|row| row.1).eq(drawn.clone());
            assert!((0..period / length).any(is), "{position}: {drawn:?}");
        }
    }
}

#[test]
fn resampling_goes_with_the_other_options() {
    let fixture = Fixture::new();
    let path = fixture.file("t.csv", long_trace().as_bytes());
    let window = Some((SimDuration::from_s(5), SimDuration::from_s(65)));
    let options = TraceOptions { window, repeat: 2, time_scale: 0.5, ..TraceOptions::default() };
    let rows = resampled(&path, &options, 10, Seed::new(3));
    let once = summary(&path, &options).unwrap().period().as_ps() / 2;
    let halves = |first: bool| rows.iter().filter(move |row| (row.0 < once) == first).map(move |row| row.0 % once);
    assert!(halves(false).count() > 10 && !halves(true).eq(halves(false)), "the second time has blocks of its own");
    let found = summary(&path, &options).unwrap();
    for (length, words) in [(SimDuration::from_s(50), "less than two blocks"), (SimDuration::from_ps(1), "at most")] {
        let error = BlockIndex::new(&path, &options, found, length).unwrap_err();
        assert!(error.message.contains(words), "{error}");
    }
}

/// Prompts of a block that comes again are those of other users.
#[test]
fn a_block_that_is_drawn_twice_names_other_prompts() {
    let fixture = Fixture::new();
    let row = |i: u64| {
        let ms = i * 500;
        format!("{{\"timestamp\": {ms}, \"input_length\": {}, \"output_length\": 9, \"hash_ids\": [{i}]}}\n", i + 1)
    };
    let path = fixture.file("t.jsonl", (0..120).map(row).collect::<String>().as_bytes());
    let options = TraceOptions::default();
    let found = summary(&path, &options).unwrap();
    let index = BlockIndex::new(&path, &options, found, SimDuration::from_s(5)).unwrap();
    let mut source = TraceSource::open_resampled(&path, &options, found, index.into(), Seed::new(5), "t").unwrap();
    let (mut seen, mut again) = (std::collections::BTreeMap::<u32, Vec<u64>>::new(), 0);
    while let Some(arrival) = source.next_arrival().unwrap() {
        assert_eq!(source.prefix().block_tokens, 512);
        let names = seen.entry(arrival.prompt_tokens).or_default();
        let [name] = source.prefix().hashes else { panic!("one block a prompt") };
        if names.is_empty() {
            assert_eq!(*name, u64::from(arrival.prompt_tokens - 1), "as it was recorded");
        } else {
            again += 1;
        }
        assert!(!names.contains(name), "the prompt of {} came before", arrival.prompt_tokens);
        names.push(*name);
    }
    assert!(again > 10 && seen.len() > 20, "{again} of {}", seen.len());
}
