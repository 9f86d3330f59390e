//! Checks the support of the tests: the oracle finds exactly what the generator wrote.

use crate::selftest;
use crate::workdir::Workdir;

#[test]
fn generator_and_oracle_agree_with_each_other() {
    let dir = Workdir::new();
    selftest::run(dir.path());
}
