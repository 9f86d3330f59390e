//! The tests' own support: the generator is what it says, and the oracle finds what was written.

use crate::selftest;
use crate::workdir::Workdir;

#[test]
fn generator_and_oracle_agree_with_each_other() {
    let dir = Workdir::new();
    selftest::run(dir.path());
}
