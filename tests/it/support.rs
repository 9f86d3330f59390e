//! The tests' own support: the generator is what it says, and the oracle finds what was written.

use crate::selftest;
use crate::workdir::Workdir;

#[test]
fn the_generator_and_the_oracle_are_what_they_say() {
    let dir = Workdir::new();
    selftest::run(dir.path());
}
