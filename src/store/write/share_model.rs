//! A model of the protocol between writers, and a search through all of its states.
//!
//! Writers run on machines that share a folder. Locks work within one mount only. What a writer
//! lists can be older than what is there. A writer can crash or sleep between any two steps, a
//! share can lose the response to a commit, and an outsider can delete a file. Only one operation
//! is assumed to be the same for all: creating a version of the log succeeds once. The decisions
//! are those of the program (`ownership`); each mend can be taken out.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use crate::store::write::identity::{Kinship, ProcessProbe, WriterIdentity};
use crate::store::write::ownership::{
    ABANDONED_AGE, FailedCommit, LockProbe, OwnState, RemovalScope, WriterState, may_continue,
    may_delete, may_discard, may_expire_versions, may_stop, writer_state,
};

const WRITERS: usize = 3;
const ATTEMPTS: usize = 2;

/// The number of versions by which a machine may be late to see what another one did, and the
/// number of versions that are kept. The number kept must be at least twice the delay. The program
/// keeps a thousand.
const LATE: u8 = 1;
const RETAINED: u8 = 2;

/// The events of each writer, one bit each. Neighbors have one in common.
const EVENTS: [u8; WRITERS] = [0b0011, 0b0110, 0b1100];

/// Writers, and files, as sets of bits. A file has the number `writer * ATTEMPTS + attempt`.
type Writers = u8;
type Files = u16;

/// The mends of the protocol.
#[derive(Debug, Clone, Copy)]
struct Mends {
    /// A version says that a writer is stopped before its files are deleted.
    stops_writers: bool,
    /// A writer reads before its commit if it was stopped.
    heeds_stops: bool,
    /// The version that stops the writer decides which files are deleted.
    reads_stopping_version: bool,
    /// The files of an uncertain commit stay.
    keeps_uncertain_files: bool,
    /// Old versions stay while there are other writers.
    keeps_versions: bool,
    /// A writer looks for its files after its commit.
    checks_after_commit: bool,
}

const ALL: Mends = Mends {
    stops_writers: true,
    heeds_stops: true,
    reads_stopping_version: true,
    keeps_uncertain_files: true,
    keeps_versions: true,
    checks_after_commit: true,
};

/// The machines of the writers, and the faults.
#[derive(Debug, Clone)]
struct Setting {
    name: &'static str,
    identities: [WriterIdentity; WRITERS],
    /// True if writers see at once what the others did, as on one disk.
    is_coherent: bool,
    /// True if the last writer removes what the others left, on request, no matter who lives.
    has_remover: bool,
    crashes: u8,
    loses_responses: bool,
    has_outsider: bool,
    mends: Mends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Begin,
    Look,
    Stop { stoppable: Writers, dead: Writers, listed: Files },
    Delete { dead: Writers, files: Files },
    Unsign { dead: Writers },
    Read,
    Write,
    CheckBefore,
    Commit,
    CheckAfter,
    DeleteReplaced,
    Leave,
    Succeeded,
    Failed,
    Crashed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Writer {
    step: Step,
    attempt: u8,
    /// The version that its files were compared with.
    base: u8,
    replaced: Files,
    /// The newest version when its sign was made.
    signed_at: u8,
}

impl Writer {
    fn new() -> Writer {
        Writer { step: Step::Begin, attempt: 0, base: 0, replaced: 0, signed_at: 0 }
    }

    fn is_alive(self) -> bool {
        !matches!(self.step, Step::Begin | Step::Succeeded | Step::Failed | Step::Crashed)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Version {
    files: Files,
    stopped: Writers,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    log: Vec<Version>,
    /// Versions before this one were deleted, so their numbers are free.
    expired: u8,
    files: Files,
    contents: [u8; WRITERS * ATTEMPTS],
    signs: Writers,
    writers: [Writer; WRITERS],
    crashes: u8,
    was_outsider_here: bool,
}

fn bit(writer: usize) -> Writers {
    1 << writer
}

fn file_bit(writer: usize, attempt: u8) -> Files {
    1 << (writer * ATTEMPTS + attempt as usize)
}

fn files_of(writer: usize) -> Files {
    ((1 << ATTEMPTS) - 1) << (writer * ATTEMPTS)
}

fn bits(set: u32) -> impl Iterator<Item = usize> + Clone {
    (0..16).filter(move |bit| set & (1 << bit) != 0)
}

impl World {
    fn new() -> World {
        World {
            log: vec![Version { files: 0, stopped: 0 }],
            expired: 0,
            files: 0,
            contents: [0; WRITERS * ATTEMPTS],
            signs: 0,
            writers: [Writer::new(); WRITERS],
            crashes: 0,
            was_outsider_here: false,
        }
    }

    fn newest(&self) -> u8 {
        self.log.len() as u8 - 1
    }

    fn with(&self, writer: usize, step: Step) -> World {
        let mut next = self.clone();
        next.writers[writer].step = step;
        next
    }

    /// Returns the world after a run has ended and deleted its sign.
    fn ends(&self, writer: usize, step: Step) -> World {
        let mut next = self.with(writer, step);
        next.signs &= !bit(writer);
        next
    }

    /// Returns the world after a writer has deleted its own file.
    fn discarded(&self, own: usize) -> World {
        let mut next = self.clone();
        next.files &= !file_bit(own, self.writers[own].attempt);
        next
    }

    /// Forgets what has no effect on the future, so that fewer worlds differ.
    fn normalized(mut self) -> World {
        for writer in self.writers.iter_mut().filter(|writer| !writer.is_alive()) {
            *writer = Writer { step: writer.step, ..Writer::new() };
        }
        let bases = self.writers.iter().filter(|writer| writer.is_alive()).map(|w| w.base);
        let oldest = bases.chain([self.newest().saturating_sub(LATE)]).min().unwrap_or_default();
        self.log[..oldest as usize].fill(Version { files: 0, stopped: 0 });
        let files = self.log.iter().fold(self.files, |files, version| files | version.files);
        for (file, content) in self.contents.iter_mut().enumerate() {
            if files & (1 << file) == 0 {
                *content = 0;
            }
        }
        self
    }
}

impl Setting {
    fn is_same_mount(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|writer| &self.identities[writer]);
        (one.boot.as_str(), one.device) == (other.boot.as_str(), other.device)
    }

    /// Returns what a writer knows about another one.
    fn state(&self, world: &World, own: usize, other: usize, signs: Writers) -> WriterState {
        let [own_id, other_id] = [own, other].map(|writer| &self.identities[writer]);
        let is_alive = world.writers[other].is_alive();
        let lock = match signs & bit(other) != 0 {
            false => LockProbe::Missing,
            true if is_alive && self.is_same_mount(own, other) => LockProbe::Held,
            true => LockProbe::Free,
        };
        let process = match own_id.kinship(other_id) {
            Kinship::SameBoot if is_alive => ProcessProbe::Alive,
            Kinship::SameBoot => ProcessProbe::Gone,
            _ => ProcessProbe::Unclear,
        };
        writer_state(own_id, Some(other_id), lock, process)
    }

    /// Returns the versions that a writer may take for the newest one. A version that was deleted
    /// cannot be read.
    fn visible_versions(&self, world: &World) -> std::ops::RangeInclusive<u8> {
        let late = if self.is_coherent { 0 } else { LATE };
        world.expired.max(world.newest().saturating_sub(late))..=world.newest()
    }

    /// Returns the sets of signs that a writer may list. Signs of other mounts may come late.
    fn visible_signs(&self, world: &World, own: usize) -> [Writers; 2] {
        let is_certain = |other: &usize| {
            let age = world.newest() - world.writers[*other].signed_at;
            self.is_same_mount(own, *other) || age > LATE
        };
        let certain = bits(world.signs.into()).filter(is_certain).map(bit).sum::<Writers>();
        [world.signs, certain]
    }

    /// Returns the worlds after the next step of a writer.
    fn next(&self, world: &World, own: usize) -> Vec<World> {
        let Writer { step, attempt, base, .. } = world.writers[own];
        match step {
            Step::Begin => {
                let mut next = world.with(own, Step::Look);
                next.signs |= bit(own);
                next.writers[own].signed_at = world.newest();
                vec![next]
            }
            Step::Look => {
                let looks = self.visible_signs(world, own).into_iter();
                looks.map(|signs| self.look(world, own, signs)).collect()
            }
            Step::Stop { stoppable, dead, listed } => {
                let versions = self.visible_versions(world);
                versions
                    .map(|seen| self.stop(world, own, seen, [stoppable, dead], listed))
                    .collect()
            }
            Step::Delete { dead, files } => {
                let mut next = world.clone();
                let first = files & files.wrapping_neg();
                next.files &= !first;
                let files = files & !first;
                next.writers[own].step = match files {
                    0 => Step::Unsign { dead },
                    _ => Step::Delete { dead, files },
                };
                vec![next]
            }
            Step::Unsign { dead } => {
                let mut next = world.with(own, self.after_cleanup(own));
                next.signs &= !dead;
                vec![next]
            }
            Step::Read => {
                let read = |seen| {
                    let mut next = world.with(own, Step::Write);
                    next.writers[own].base = seen;
                    next
                };
                self.visible_versions(world).map(read).collect()
            }
            Step::Write => vec![self.write(world, own)],
            Step::CheckBefore => {
                let stopped =
                    self.mends.heeds_stops && world.log[base as usize].stopped & bit(own) != 0;
                let has_files = world.files & file_bit(own, attempt) != 0;
                // A sign that another machine has deleted may still seem to be there.
                let found = [world.signs & bit(own) != 0, true];
                let checked =
                    found.map(|has_sign| OwnState { is_stopped: stopped, has_sign, has_files });
                let decide = |state| match may_continue(state) {
                    true => world.with(own, Step::Commit),
                    false => world.discarded(own).ends(own, Step::Failed),
                };
                checked.map(decide).into()
            }
            Step::Commit => self.commit(world, own),
            Step::CheckAfter => self.check_after(world, own),
            Step::DeleteReplaced => {
                let mut next = world.with(own, Step::Leave);
                next.files &= !world.writers[own].replaced;
                vec![next]
            }
            Step::Leave => vec![world.ends(own, Step::Succeeded)],
            Step::Succeeded | Step::Failed | Step::Crashed => Vec::new(),
        }
    }

    fn is_remover(&self, own: usize) -> bool {
        self.has_remover && own == WRITERS - 1
    }

    fn after_cleanup(&self, own: usize) -> Step {
        if self.is_remover(own) { Step::Leave } else { Step::Read }
    }

    fn look(&self, world: &World, own: usize, signs: Writers) -> World {
        let others = || (0..WRITERS).filter(|other| *other != own);
        let state = |other| self.state(world, own, other, signs);
        let is_alone =
            others().all(|other| signs & bit(other) == 0 || state(other) == WriterState::Dead);
        let scope = match self.is_remover(own) {
            true => RemovalScope::Requested { age: ABANDONED_AGE },
            false => RemovalScope::Routine { is_alone },
        };
        let stoppable: Writers =
            others().filter(|other| may_stop(state(*other), scope)).map(bit).sum();
        let dead = stoppable & signs;
        let listed = world.files & bits(stoppable.into()).map(files_of).sum::<Files>();
        match (listed, dead) {
            (0, 0) => world.with(own, self.after_cleanup(own)),
            _ => world.with(own, Step::Stop { stoppable, dead, listed }),
        }
    }

    /// Stops writers whose files are in no visible version, and decides which files go.
    fn stop(
        &self,
        world: &World,
        own: usize,
        seen: u8,
        [stoppable, dead]: [Writers; 2],
        listed: Files,
    ) -> World {
        let mut version = world.log[seen as usize];
        if !self.mends.reads_stopping_version {
            version.files = world.log[*self.visible_versions(world).start() as usize].files;
        }
        let has_orphan = |writer: &usize| listed & !version.files & files_of(*writer) != 0;
        let to_stop: Writers =
            bits((stoppable & !version.stopped).into()).filter(has_orphan).map(bit).sum();
        let mut next = world.clone();
        let mut decisive = version;
        if to_stop != 0 && self.mends.stops_writers {
            if seen != world.newest() {
                // The version exists. The writer reads the log again.
                return next;
            }
            decisive.stopped |= to_stop;
            let files = world.log[seen as usize].files;
            next.log.push(Version { files, ..decisive });
        }
        let is_stopped = |writer| !self.mends.stops_writers || decisive.stopped & bit(writer) != 0;
        let files = bits(listed.into()).filter(|file| {
            let (writer, is_referenced) = (file / ATTEMPTS, decisive.files & (1 << file) != 0);
            stoppable & bit(writer) != 0 && may_delete(is_stopped(writer), is_referenced)
        });
        let files = files.map(|file| 1 << file).sum();
        next.writers[own].step = match files {
            0 => Step::Unsign { dead },
            _ => Step::Delete { dead, files },
        };
        next
    }

    /// Writes a file with the events of the writer and of the files that it replaces.
    fn write(&self, world: &World, own: usize) -> World {
        let mut next = world.with(own, Step::CheckBefore);
        let Writer { attempt, base, .. } = world.writers[own];
        let mut content = EVENTS[own];
        let has_copy = |file: &usize| world.contents[*file] & EVENTS[own] != 0;
        let replaced = bits(world.log[base as usize].files.into()).filter(has_copy);
        for file in replaced.clone() {
            content |= world.contents[file];
        }
        next.writers[own].replaced = replaced.map(|file| 1 << file).sum();
        next.contents[own * ATTEMPTS + attempt as usize] = content;
        next.files |= file_bit(own, attempt);
        next
    }

    fn commit(&self, world: &World, own: usize) -> Vec<World> {
        let Writer { attempt, base, replaced, .. } = world.writers[own];
        let retry = || {
            let mut next = world.discarded(own).with(own, Step::Read);
            next.writers[own].attempt += 1;
            match next.writers[own].attempt as usize == ATTEMPTS {
                true => world.discarded(own).ends(own, Step::Failed),
                false => next,
            }
        };
        if base + 1 < world.expired {
            // The number is free again. A late listing hides the newer checkpoint.
            return vec![retry(), world.with(own, Step::CheckAfter)];
        }
        // After an uncertain failure, no version is visible. The file stays, and so does the sign.
        let failed = FailedCommit { is_uncertain: true, is_version_taken: false };
        let uncertain =
            |made: &World| match may_discard(failed) || !self.mends.keeps_uncertain_files {
                true => made.discarded(own).ends(own, Step::Failed),
                false => made.with(own, Step::Failed),
            };
        if base != world.newest() {
            return vec![retry()];
        }
        let mut made = world.with(own, Step::CheckAfter);
        let version = world.log[base as usize];
        let files = version.files & !replaced | file_bit(own, attempt);
        made.log.push(Version { files, ..version });
        match self.loses_responses {
            true => vec![uncertain(&made), uncertain(world), made],
            false => vec![made],
        }
    }

    fn check_after(&self, world: &World, own: usize) -> Vec<World> {
        let newest = world.log[world.newest() as usize];
        let file = file_bit(own, world.writers[own].attempt);
        let own_state = OwnState {
            is_stopped: false,
            // Others remove a sign long before they delete versions, so this is no late answer.
            has_sign: world.signs & bit(own) != 0,
            has_files: newest.files & file == 0 || world.files & file != 0,
        };
        if self.mends.checks_after_commit && !may_continue(own_state) {
            return vec![world.with(own, Step::Failed)];
        }
        let expire = |signs: Writers| {
            let mut next = world.with(own, Step::DeleteReplaced);
            let others = (signs & !bit(own)).count_ones() as usize;
            if may_expire_versions(others) || !self.mends.keeps_versions {
                next.expired = next.expired.max((world.newest() + 1).saturating_sub(RETAINED));
            }
            next
        };
        self.visible_signs(world, own).map(expire).into()
    }

    /// Returns all worlds after one step of anybody.
    fn successors(&self, world: &World) -> Vec<World> {
        let mut all = Vec::new();
        for own in 0..WRITERS {
            all.extend(self.next(world, own));
            if world.crashes < self.crashes && world.writers[own].is_alive() {
                let mut next = world.with(own, Step::Crashed);
                next.crashes += 1;
                all.push(next);
            }
        }
        if self.has_outsider && !world.was_outsider_here {
            let unreferenced = world.files & !world.log[world.newest() as usize].files;
            all.extend(bits(unreferenced.into()).map(|file| {
                let mut next = world.clone();
                next.files &= !(1 << file);
                next.was_outsider_here = true;
                next
            }));
        }
        all
    }

    /// Returns what is wrong in a world, if anything is.
    fn violation(&self, world: &World) -> Option<&'static str> {
        let newest = world.log[world.newest() as usize].files;
        let has_succeeded = |own: usize| {
            !self.is_remover(own)
                && matches!(world.writers[own].step, Step::Leave | Step::Succeeded)
        };
        if world.was_outsider_here {
            let own = (0..WRITERS).find(|own| {
                let file = file_bit(*own, world.writers[*own].attempt);
                world.writers[*own].step == Step::DeleteReplaced
                    && newest & file & !world.files != 0
            });
            return own.map(|_| "a run whose file is gone continues");
        }
        if newest & !world.files != 0 {
            return Some("a committed file was deleted");
        }
        let mut stored = 0u8;
        for file in bits(newest.into()) {
            if stored & world.contents[file] != 0 {
                return Some("an event is stored twice");
            }
            stored |= world.contents[file];
        }
        let lost = (0..WRITERS).any(|own| has_succeeded(own) && EVENTS[own] & !stored != 0);
        lost.then_some("an event of a run that succeeded is lost")
    }

    /// Searches all worlds, and prints how many there are.
    #[expect(clippy::print_stdout, reason = "cargo test -- --nocapture shows the extent")]
    fn explore(&self) -> Option<&'static str> {
        let mut seen = HashSet::with_hasher(FixedState::default());
        seen.insert(World::new());
        let (mut frontier, mut depth, mut all_succeed) = (vec![World::new()], 0, false);
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for world in &frontier {
                all_succeed |= world.writers.iter().all(|writer| writer.step == Step::Succeeded);
                if let Some(violation) = self.violation(world) {
                    println!("{}: {violation}: {} states, depth {depth}", self.name, seen.len());
                    return Some(violation);
                }
                let successors = self.successors(world).into_iter();
                let successors = successors.map(World::normalized);
                next.extend(successors.filter(|world| seen.insert(world.clone())));
            }
            frontier = next;
            depth += 1;
        }
        assert!(all_succeed, "{}: three runs never succeed", self.name);
        println!("{}: {} states, depth {depth}", self.name, seen.len());
        None
    }
}

fn settings(mends: Mends) -> Vec<Setting> {
    let setting = |name, identities| Setting {
        name,
        identities,
        is_coherent: false,
        has_remover: false,
        crashes: 1,
        loses_responses: false,
        has_outsider: false,
        mends,
    };
    let [a, b, c] = ["a", "b", "c"].map(|host| WriterIdentity::example(host, host, 1));
    let second_mount = WriterIdentity::example("a", "a", 2);
    // A clone of machine a that began before machine a was started: it is taken for its past.
    let clone = WriterIdentity { begun: 50, ..WriterIdentity::example("a", "clone", 1) };
    let three = [a.clone(), b.clone(), c];
    vec![
        Setting { is_coherent: true, ..setting("one machine", [a.clone(), a.clone(), a.clone()]) },
        setting("three machines", three.clone()),
        setting("two mounts of one machine", [a.clone(), second_mount, b.clone()]),
        setting("a clone", [clone, b, a]),
        Setting { has_remover: true, ..setting("a removal on request", three.clone()) },
        Setting { crashes: 0, loses_responses: true, ..setting("lost responses", three.clone()) },
        Setting { crashes: 0, has_outsider: true, ..setting("an outsider", three) },
    ]
}

/// Asserts that without a mend, the search finds this in a setting.
#[track_caller]
fn assert_found(setting: &str, mends: Mends, violation: &str) {
    let mut settings = settings(mends).into_iter();
    let setting = settings.find(|other| other.name == setting).expect("a known setting");
    assert_eq!(setting.explore(), Some(violation), "{mends:?}");
}

#[test]
fn no_committed_file_is_deleted_and_no_event_is_lost_or_doubled() {
    for setting in settings(ALL) {
        assert_eq!(setting.explore(), None, "{}", setting.name);
    }
}

#[test]
fn each_mend_is_needed() {
    let deleted = "a committed file was deleted";
    let lost = "an event of a run that succeeded is lost";
    let continues = "a run whose file is gone continues";
    assert_found("a clone", Mends { stops_writers: false, ..ALL }, deleted);
    assert_found("three machines", Mends { stops_writers: false, ..ALL }, deleted);
    assert_found("a clone", Mends { heeds_stops: false, ..ALL }, deleted);
    assert_found(
        "two mounts of one machine",
        Mends { reads_stopping_version: false, ..ALL },
        deleted,
    );
    assert_found("lost responses", Mends { keeps_uncertain_files: false, ..ALL }, deleted);
    assert_found("three machines", Mends { keeps_versions: false, ..ALL }, lost);
    assert_found("an outsider", Mends { checks_after_commit: false, ..ALL }, continues);
}
