//! Exports random events from the store that they were ingested into and compares them, up to the
//! normalizations of docs/lossless.md.
//!
//! `PBI_EVENTS=1000000 cargo test --release --test it round_trip:: -- --nocapture` checks that
//! number of events. `PBI_SEED` sets the seed of a former run.

use std::collections::BTreeMap;
use std::time::Instant;

use pbi_analyze::internals::export;
use pbi_analyze::internals::ingest::{self, NoProgress, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::exact::Json;
use crate::normal::exported;
use crate::properties::{
    FILES, Members, Record, anything, container, guid_of, known_member, members, spelled,
};
use crate::workdir::Workdir;

/// Number of events of one store.
const STORE_EVENTS: u64 = 20_000;

/// Number of events without `PBI_EVENTS`.
const EVENTS: u64 = 2_000;

/// Returns members that an event already has: under the same name or one of another case, with the
/// same value or another.
fn repeated() -> impl Strategy<Value = Members> {
    let again = (any::<prop::sample::Index>(), 0u8..4, prop::option::of(anything()));
    let known = prop::option::weighted(0.2, known_member());
    (members(), prop::collection::vec(again, 0..3), known).prop_map(|(members, again, known)| {
        let mut all = members.clone();
        for (at, style, other) in again {
            let (name, value) = at.get(&members);
            let is_planned = ["CreationTime", "RecordType", "Workload"]
                .iter()
                .any(|planned| planned.eq_ignore_ascii_case(name));
            if !is_planned {
                all.push((spelled(name, style), other.unwrap_or_else(|| value.clone())));
            }
        }
        all.extend(known.map(|(_, member)| member));
        all
    })
}

fn event() -> impl Strategy<Value = Members> {
    prop_oneof![3 => members(), 1 => repeated()]
}

fn seed() -> u64 {
    let given = std::env::var("PBI_SEED").ok();
    given.map_or_else(rand_seed, |seed| seed.parse().expect("PBI_SEED is a number"))
}

/// Returns another seed in every run.
fn rand_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("it is after 1970").as_nanos() as u64
}

#[test]
fn exported_events_equal_the_ingested_ones() {
    let events = std::env::var("PBI_EVENTS").ok();
    let events = events.map_or(EVENTS, |events| events.parse().expect("PBI_EVENTS is a number"));
    let (first, start) = (seed(), Instant::now());
    for store in 0..events.div_ceil(STORE_EVENTS) {
        let seed = first.wrapping_add(store);
        let count = STORE_EVENTS.min(events - store * STORE_EVENTS);
        println!("PBI_SEED={seed}: {count} events");
        one_store(seed, count as usize);
    }
    println!("{events} events came back in {:.0} s", start.elapsed().as_secs_f64());
}

/// Ingests generated events in one run or in several, and compares each with its export.
fn one_store(seed: u64, count: usize) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = event();
    let mut expected = BTreeMap::new();
    let mut files: [Vec<Record>; 4] = Default::default();
    for number in 0..count {
        let tree = strategy.new_tree(&mut runner).expect("an event can be made");
        let mut event = tree.current();
        let id = match number % 3 {
            0 => guid_of(u128::from(seed) << 64 | number as u128, number % 2 == 0),
            1 => format!("ид {number}"),
            _ => format!("{number}"),
        };
        event.insert(event.len() / 2, ("Id".to_owned(), Json::text(id)));
        let form = exported(&Json::Object(event.clone()));
        let id = form.member("Id").and_then(Json::as_text).expect("an id").to_owned();
        expected.insert(id, (form, Json::Object(event.clone())));
        files[number % FILES.len()].push(Record::new(event, (number % 7 % 3) as u8));
    }
    let dir = Workdir::new();
    let paths = FILES.iter().zip(&files).enumerate().map(|(file, (name, records))| {
        dir.write(&format!("archive/{name}"), container(file, records))
    });
    let paths: Vec<_> = paths.collect();
    let store = Store::new(&dir.join("store"));
    let runs: Vec<_> =
        if seed.is_multiple_of(2) { vec![&paths[..]] } else { paths.chunks(1).collect() };
    for paths in runs {
        let options = ingest::Options { paths: paths.to_vec(), ..ingest::Options::default() };
        let summary =
            ingest::ingest_into_store(&store, &options, &NoProgress).expect("the store is written");
        assert!(summary.is_complete(), "seed {seed}: {:?}", summary.files);
    }
    let mut out = Vec::new();
    let written = export::run(&store, &export::Options::default(), &mut |bytes| {
        out.extend_from_slice(bytes);
        Ok(())
    });
    assert_eq!(written.expect("the store is read"), count as u64, "seed {seed}");
    let out = String::from_utf8(out).expect("JSON is UTF-8");
    for line in out.lines() {
        let found = Json::parse(line).sorted();
        let id = found.member("Id").and_then(Json::as_text).expect("an id");
        let known = expected.remove(id);
        let (form, event) = known.unwrap_or_else(|| panic!("seed {seed}: {id} is new"));
        assert_eq!(found.write(), form.write(), "seed {seed}, the event {}", event.write());
    }
    assert!(expected.is_empty(), "seed {seed}: {expected:?} are lost");
}
